import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { run } from '../../core/control.ts'
import { createHttp, type Http } from '../../core/http-client.ts'
import { systemRandom } from '../../core/random.ts'
import { type BoardingConfiguration, securityProfiles } from '../../protocol/boarding.ts'
import { idempotencyHeader } from '../../protocol/registration.ts'
import { type HubInProcess, hubInProcess, silent } from '../../test/hub-in-process.ts'
import { openVault, type Vault } from '../credentials/vault.ts'
import { type Identity, identityIn } from '../identity.ts'

let hub: HubInProcess
let root: string
beforeAll(async () => {
  hub = await hubInProcess()
  root = await mkdtemp(join(tmpdir(), 'edgeward-cut-'))
})
afterAll(async () => {
  await hub[Symbol.asyncDispose]()
  await rm(root, { recursive: true })
})

/** Both a registration and a rotation save three times and ask twice; each has a moment before and after. */
const moments = 10
/** The hub has applied the request, and its answer has not been seen. */
const answerLost = 4

class PowerCut extends Error {}
type Power = (moment: string) => void
const steady: Power = () => {}

/** Fails at the n-th moment, and stays off. */
function failingAt(n: number): Power {
  let passed = 0
  return (moment) => {
    if (++passed >= n) throw new PowerCut(moment)
  }
}

const asSpecified = createHttp()
/** Makes a hub of the kind that does not know our header: a repeated request is a new one to it. */
const withoutIdempotency: Http = (request) => {
  const { [idempotencyHeader]: _, ...headers } = request.headers ?? {}
  return asSpecified({ ...request, headers })
}

async function open(dir: string, power: Power, reach: Http): Promise<Identity> {
  const { load, save } = await openVault(dir)
  const vault: Vault = {
    load,
    async save(state) {
      power('before a save')
      await save(state)
      power('after a save')
    },
  }
  const http: Http = async (request) => {
    power('before a request')
    const answer = await reach(request)
    power('before its answer is seen')
    return answer
  }
  const deps = { http, clock: systemClock, random: systemRandom, log: silent }
  return identityIn(vault, deps, { initialMs: 5, maxMs: 20 })
}

const onboard = (identity: Identity, boarding: BoardingConfiguration) =>
  run(identity.operations, 'identity.onboard', { boarding })
const rotate = (identity: Identity) => run(identity.operations, 'identity.rotate', {})

async function cut(n: number, dir: string, reach: Http, act: (identity: Identity) => Promise<unknown>) {
  await expect(act(await open(dir, failingAt(n), reach))).rejects.toThrow(PowerCut)
}

/** What the daemon does once the power is back, until there is nothing left to do. */
async function restarted(dir: string, reach: Http): Promise<Identity> {
  const identity = await open(dir, steady, reach)
  const stop = new AbortController()
  const running = identity.run(stop.signal)
  const atRest = /^(onboarded|unboarded)$/
  await expect.poll(() => identity.status().state, { interval: 2, timeout: 15_000 }).toMatch(atRest)
  stop.abort()
  await running
  return identity
}

const everyMoment = Array.from({ length: moments }, (_, index) => index + 1)

describe.each(securityProfiles)('%s', (profile) => {
  const newBox = async (name: string) => {
    const { id, boarding } = await hub.createAgent(`${name}-${profile}`, profile)
    return { id, boarding, dir: join(root, id) }
  }

  test('onboarding that is cut at any moment is finished after the restart', async () => {
    for (const n of everyMoment) {
      const { id, boarding, dir } = await newBox(`onboard-${n}`)
      await cut(n, dir, asSpecified, (identity) => onboard(identity, boarding))
      const identity = await restarted(dir, asSpecified)
      await onboard(identity, boarding) // as a person would who saw it fail
      expect(identity.status()).toMatchObject({ state: 'onboarded', agentId: id })
      if (n === answerLost) await rotate(identity) // the registration token has come with the repeated answer
    }
    const { boarding, dir } = await newBox('onboard')
    await onboard(await open(dir, failingAt(moments + 1), asSpecified), boarding)
  })

  test.for([
    ['repeats its answer', asSpecified],
    ['does not', withoutIdempotency],
  ] as const)('rotation that is cut at any moment is finished by a hub that %s', async ([kind, reach]) => {
    const { boarding, dir } = await newBox(kind)
    await onboard(await open(dir, steady, reach), boarding)
    for (const n of everyMoment) {
      await cut(n, dir, reach, rotate)
      const identity = await restarted(dir, reach)
      expect(identity.status().state).toBe('onboarded')
      expect((await identity.accessToken()).token).toBeTruthy()
    }
    await rotate(await open(dir, failingAt(moments + 1), reach))
  })
})

test('a key that the hub has registered is adopted when the answer that said so is lost for good', async () => {
  const { id, boarding } = await hub.createAgent('adopted', 'RSA_3072')
  const dir = join(root, id)
  await cut(answerLost, dir, withoutIdempotency, (identity) => onboard(identity, boarding))
  const identity = await restarted(dir, withoutIdempotency)
  expect(identity.status().state).toBe('onboarded')
  expect((await identity.accessToken()).token).toBeTruthy()
})

test('a box whose only secret was lost with the answer asks for a new boarding file, and takes it', async () => {
  const { id, boarding } = await hub.createAgent('lost', 'SHARED_SECRET')
  const dir = join(root, id)
  await cut(answerLost, dir, withoutIdempotency, (identity) => onboard(identity, boarding))
  const identity = await restarted(dir, withoutIdempotency)
  expect(identity.status()).toMatchObject({ state: 'unboarded', reason: expect.stringContaining('401') })
  await hub.ask('agent.offboard', { id })
  await onboard(identity, await hub.boarding(id))
  expect(identity.status().state).toBe('onboarded')
})
