import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../core/clock.ts'
import { run } from '../core/control.ts'
import { type Http, openNetwork } from '../core/net/index.ts'
import { type BoardingConfiguration, type SecurityProfile, securityProfiles } from '../protocol/boarding.ts'
import { idempotencyHeader } from '../protocol/registration.ts'
import { fewKeys } from '../test/few-keys.ts'
import { type ForgetfulDisk, forgetfulDisk } from '../test/forgetful-disk.ts'
import { type HubInProcess, hubInProcess, nothingToArchive, silent } from '../test/hub-in-process.ts'
import { openVault } from './credentials/vault.ts'
import { IdentityUnreadable } from './errors.ts'
import { type Identity, identityIn } from './identity.ts'
import type { State } from './onboarding/machine.ts'

/** How the identity comes through whatever is done to it: cut at each step, its files torn, its answers lost. */

const policies = ['lenient', 'strict'] as const
type Policy = (typeof policies)[number]

const hubs = {} as Record<Policy, HubInProcess>
/** Only the directory is made on the real disk; the files are on the forgetful one. */
let dir: string
beforeAll(async () => {
  for (const ratPolicy of policies) hubs[ratPolicy] = await hubInProcess({ ratPolicy })
  dir = await mkdtemp(join(tmpdir(), 'edgeward-recovery-'))
})
afterAll(async () => {
  for (const hub of Object.values(hubs)) await hub[Symbol.asyncDispose]()
  await rm(dir, { recursive: true })
})

/** A box with its power, its disk, and the hub as it sees it. */
interface Box {
  disk: ForgetfulDisk
  /** Registrations by initial access token: the idempotency keys that were sent. */
  registrations: Map<string, Set<string>>
  /** What lay on the disk at each request, by the names of what the state then held. */
  seen: Map<string, Map<string, string>>
  /** Steps since the power came back. */
  steps(): number
  /** The power fails before the n-th step from now. */
  failBefore(n: number): void
  /** The power is back; what was not synced is gone, unless the process alone had died. */
  powerOn(lost: 'unsynced lost' | 'process killed'): void
  open(): Promise<Identity>
}

function newBox(network: Http): Box {
  let steps = 0
  let last = Number.POSITIVE_INFINITY
  const step = (what: string) => {
    if (++steps >= last) throw new Error(`power cut before ${what}`)
  }
  const disk = forgetfulDisk(step)
  const registrations = new Map<string, Set<string>>()
  const seen: Box['seen'] = new Map()

  const http: Http = async (request) => {
    seen.set(stateOn(disk), disk.files())
    step('request')
    const { authorization = '', [idempotencyHeader]: key = '' } = request.headers ?? {}
    if (request.method === 'POST' && request.url.endsWith('/register'))
      registrations.set(authorization, new Set([...(registrations.get(authorization) ?? []), key]))
    const answer = await network(request)
    step('answer')
    return answer
  }
  return {
    disk,
    registrations,
    seen,
    steps: () => steps,
    failBefore(n) {
      steps = 0
      last = n
    },
    powerOn(lost) {
      steps = 0
      last = Number.POSITIVE_INFINITY
      if (lost === 'unsynced lost') disk.forget()
    },
    async open() {
      const deps = { http, clock: systemClock, random, log: silent, archive: nothingToArchive }
      const vault = await openVault({ log: silent, disk }, { dir })
      return identityIn(vault, deps, { initialMs: 5, maxMs: 20 })
    },
  }
}

const onboard = (identity: Identity, boarding: BoardingConfiguration) =>
  run(identity.operations, 'identity.onboard', { boarding })
const rotate = (identity: Identity) => run(identity.operations, 'identity.rotate', {})

/** What the daemon does once the power is back, until there is nothing left to do. */
async function restarted(box: Box): Promise<Identity> {
  const identity = await box.open()
  const stop = new AbortController()
  const running = identity.run(stop.signal)
  const atRest = /^(onboarded|unboarded|needs-onboarding)$/
  await expect.poll(() => identity.status().state, { interval: 2, timeout: 15_000 }).toMatch(atRest)
  stop.abort()
  await running
  return identity
}

/** At each further step, until the action comes through uncut. Resolves with the number of cuts. */
async function atEachStep(cutBefore: (n: number) => Promise<'cut' | 'through'>): Promise<number> {
  for (let n = 1; ; n++) if ((await cutBefore(n)) === 'through') return n - 1
}

/** False when the power failed meanwhile. */
async function comesThrough(box: Box, n: number, act: () => Promise<unknown>): Promise<boolean> {
  box.failBefore(n)
  const failure = await act().then(
    () => undefined,
    (error: unknown) => error,
  )
  const cut = box.steps() >= n
  if (failure !== undefined && !cut) throw failure
  return !cut
}

const used = ({ registrations }: Box) => [...registrations.values()].map((keys) => keys.size)

const random = fewKeys()
const network = openNetwork().http
/** Makes a hub of the kind that does not know our header: a repeated request is a new one to it. */
const withoutIdempotency: Http = (request) => {
  const { [idempotencyHeader]: _, ...headers } = request.headers ?? {}
  return network({ ...request, headers })
}

/** Which hub loses what for good, when the answer that held it is lost: the only secret of a box. */
const kinds: { hub: string; policy: Policy; reach: Http; loses: readonly ('onboarding' | 'rotation')[] }[] = [
  { hub: 'a lenient hub', policy: 'lenient', reach: network, loses: [] },
  {
    hub: 'a lenient hub that never repeats an answer',
    policy: 'lenient',
    reach: withoutIdempotency,
    loses: ['onboarding'],
  },
  { hub: 'a strict hub', policy: 'strict', reach: network, loses: ['onboarding', 'rotation'] },
]

let serial = 0
const newAgent = (policy: Policy, profile: SecurityProfile) =>
  hubs[policy].createAgent(`agent-${++serial}`, profile)

describe.each(kinds)('$hub', ({ hub, policy, reach, loses }) => {
  describe.each(securityProfiles)('%s', (profile) => {
    const mayLose = (what: 'onboarding' | 'rotation') => profile === 'SHARED_SECRET' && loses.includes(what)

    test('onboarding that is cut at any step is finished after the restart', async () => {
      let lost = 0
      const cuts = await atEachStep(async (n) => {
        const { id, boarding } = await newAgent(policy, profile)
        const box = newBox(reach)
        if (await comesThrough(box, n, async () => onboard(await box.open(), boarding))) return 'through'
        box.powerOn('unsynced lost')
        const identity = await restarted(box)
        expect(used(box).every((keys) => keys === 1)).toBe(true)
        if (used(box).length > 0 && mayLose('onboarding') && identity.status().state === 'unboarded') {
          expect(identity.status().reason).toContain('401')
          lost++
          await hubs[policy].ask('agent.offboard', { id })
          await onboard(identity, await hubs[policy].boarding(id))
          expect(identity.status().state).toBe('onboarded')
          return 'cut'
        }
        await onboard(identity, boarding) // as a person would who saw it fail
        expect(identity.status()).toMatchObject({ state: 'onboarded', agentId: id })
        expect((await identity.accessToken()).token).toBeTruthy()
        return 'cut'
      })
      report(`onboarding, ${profile}, ${hub}: ${cuts} cut points, ${lost} need a new boarding file`)
      expect(cuts).toBeGreaterThan(20)
      expect(lost > 0).toBe(mayLose('onboarding'))
    })

    test('rotation that is cut at any step is finished after the restart', async () => {
      let lost = 0
      let { box, credential } = await onboardedBox(policy, profile, reach)
      const cuts = await atEachStep(async (n) => {
        if (await comesThrough(box, n, async () => rotate(await box.open()))) return 'through'
        box.powerOn(n % 2 === 0 ? 'unsynced lost' : 'process killed')
        const identity = await restarted(box)
        const status = identity.status()
        if (mayLose('rotation') && status.state === 'needs-onboarding') {
          expect(status).toMatchObject({ credential, reason: expect.stringContaining('400') })
          lost++
          ;({ box, credential } = await onboardedBox(policy, profile, reach))
          return 'cut'
        }
        expect(status.state).toBe('onboarded')
        expect((await identity.accessToken()).token).toBeTruthy()
        // A strict hub takes a registration token back with the answer that was lost: the next rotation
        // would be refused, so the next cut is tried on another box.
        if (policy === 'strict') ({ box, credential } = await onboardedBox(policy, profile, reach))
        return 'cut'
      })
      report(`rotation, ${profile}, ${hub}: ${cuts} cut points, ${lost} need a new boarding file`)
      expect(cuts).toBeGreaterThan(20)
      expect(lost > 0).toBe(mayLose('rotation'))
    })
  })
})

async function onboardedBox(policy: Policy, profile: SecurityProfile, reach = network) {
  const { id, boarding } = await newAgent(policy, profile)
  const box = newBox(reach)
  const identity = await box.open()
  await onboard(identity, boarding)
  return { box, id, boarding, credential: identity.status().credential }
}

/** "onboarding (home,iat,attempt,before)" */
function stateOn(disk: ForgetfulDisk): string {
  const [file = ''] = disk.files().values()
  const { at, ...held } = JSON.parse(file.split('\n')[1] ?? '').state as State
  return `${at} (${Object.keys(held)})`
}

/** A file cut off at each 64th byte, as it is and filled up with zeros; and missing. */
function* torn(content: string): Generator<string> {
  for (let length = 0; length < content.length; length += 64) {
    yield content.slice(0, length)
    yield content.slice(0, length).padEnd(content.length, '\0')
  }
}

async function loaded(files: Map<string, string>): Promise<{ state: State; disk: ForgetfulDisk }> {
  const disk = forgetfulDisk()
  for (const [path, content] of files) disk.put(path, content)
  const vault = await openVault({ log: silent, disk }, { dir })
  return { state: await vault.load(), disk }
}

describe.each(securityProfiles)('torn files, %s', (profile) => {
  /** A life in which every state is asked something. */
  async function life() {
    const { box, id, boarding } = await onboardedBox('lenient', profile)
    const identity = await box.open()
    await rotate(identity)
    await rotate(identity)
    await hubs.lenient.ask('agent.offboard', { id })
    await expect(rotate(identity)).rejects.toMatchObject({ code: 'credential_refused' })
    await onboard(identity, await hubs.lenient.boarding(id))
    const { boarding: other } = await newAgent('lenient', profile)
    await run(identity.operations, 'identity.onboard', { boarding: other, replace: true })
    box.seen.set(stateOn(box.disk), box.disk.files())
    return { box, boarding }
  }

  test('one file torn in whatever state: the other one serves, and is doubled again', async () => {
    const { box } = await life()
    let tried = 0
    for (const [state, files] of box.seen) {
      expect(files.size, state).toBe(2)
      const { state: whole } = await loaded(files)
      for (const [path, content] of files) {
        for (const damaged of torn(content)) {
          const after = await loaded(new Map([...files, [path, damaged]]))
          expect(after.state).toEqual(whole)
          expect(after.disk.files()).toEqual(files)
          tried++
        }
      }
    }
    report(
      `torn files, ${profile}: ${tried} tried in ${box.seen.size} states: ${[...box.seen.keys()].join('; ')}`,
    )
    expect(box.seen.size).toBeGreaterThanOrEqual(9)
  })

  test('both files torn: the box says so, asks the hub nothing, and is not taken for a new one', async () => {
    const { box } = await life()
    const keys = used(box)
    for (const files of box.seen.values()) {
      const damages = [...files.values()].map((content) => [...torn(content)])
      for (const [index, one] of (damages[0] ?? []).entries()) {
        const two = damages[1]?.[index] ?? ''
        for (const [nth, path] of [...files.keys()].entries()) box.disk.put(path, nth === 0 ? one : two)
        await expect(box.open()).rejects.toThrow(IdentityUnreadable)
      }
    }
    expect(used(box)).toEqual(keys)
  })

  test('a power cut between the two files and then the newer one torn: one generation back goes on', async () => {
    let tried = 0
    const tearNewer = ({ disk }: Box): boolean => {
      const files = [...disk.files()].filter(([path]) => path.endsWith('.json'))
      const generation = (content: string) => JSON.parse(content.split('\n')[1] ?? '').generation as number
      const [newer, older] = files.sort(([, a], [, b]) => generation(b) - generation(a))
      if (!newer || !older || generation(newer[1]) === generation(older[1])) return false
      disk.put(newer[0], newer[1].replaceAll(/./gs, '\0'))
      tried++
      return true
    }
    const recovered = async (box: Box) => {
      const identity = await restarted(box)
      expect(used(box).every((keys) => keys === 1)).toBe(true)
      expect(identity.status().state).toBe('onboarded')
      expect((await identity.accessToken()).token).toBeTruthy()
    }
    await atEachStep(async (n) => {
      const { boarding } = await newAgent('lenient', profile)
      const box = newBox(network)
      if (await comesThrough(box, n, async () => onboard(await box.open(), boarding))) return 'through'
      box.powerOn('process killed')
      if (tearNewer(box)) await recovered(box)
      return 'cut'
    })
    const { box } = await onboardedBox('lenient', profile)
    await atEachStep(async (n) => {
      if (await comesThrough(box, n, async () => rotate(await box.open()))) return 'through'
      box.powerOn('process killed')
      if (tearNewer(box)) await recovered(box)
      else await restarted(box)
      return 'cut'
    })
    report(`torn between the two writes, ${profile}: ${tried} tried`)
    expect(tried).toBeGreaterThan(10)
  })
})

test('memory is never ahead of the disk: with the disk full, nothing has changed for anybody', async () => {
  const { box, credential } = await onboardedBox('lenient', 'SHARED_SECRET')
  const identity = await box.open()
  const { token } = await identity.accessToken()
  const written = box.disk.files()
  let told = 0
  identity.onChange(() => told++)
  const full = async () => {
    throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
  }
  const { rename } = box.disk
  box.disk.rename = full
  await expect(rotate(identity)).rejects.toMatchObject({ code: 'identity_not_saved', retryable: true })
  expect(identity.status()).toMatchObject({ state: 'onboarded', credential })
  expect((await identity.accessToken()).token).toBe(token)
  expect(told).toBe(0)
  expect(await loaded(box.disk.files())).toMatchObject({ state: (await loaded(written)).state })
  box.disk.rename = rename
  expect(await rotate(identity)).toMatchObject({ before: credential })
})

/** Read by people: how much was tried. */
function report(line: string): void {
  process.stdout.write(`${line}\n`)
}
