import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createLog } from '../../core/log.ts'
import { startEdgeAuth } from '../../test/edge-auth.ts'
import { manualClock } from '../../test/manual-clock.ts'
import { createAudit } from '../audit/audit.ts'
import { openStore } from '../store/index.ts'
import { openSigningKeys } from './keys.ts'

const dayMs = 86_400_000
const lifetimeMs = 2 * dayMs

/** Keys on a real auth.db, with time that passes only when told. */
async function openKeys() {
  const dir = await mkdtemp(join(tmpdir(), 'keys-'))
  const clock = manualClock()
  let offset = 0
  const deps = { ...clock, now: () => clock.now() + offset }
  const open = async (fail = false) => {
    const store = await openStore({ tell: () => {} }, { dir, auditMaxBytes: 1e7 })
    const audit = createAudit({ store, clock: deps, log: createLog('silent') })
    const failing = { ...store, change: () => Promise.reject(new Error('the disk is gone')) }
    const keys = await openSigningKeys({
      ...{ store: fail ? failing : store, clock: deps, audit },
      ...{ sessionTime: clock.monotonic, longestLifetimeMs: () => lifetimeMs },
    })
    return { store, keys }
  }
  let current = await open()
  return {
    clock,
    setClock: (ms: number) => {
      offset += ms
    },
    get keys() {
      return current.keys
    },
    kids: () => current.keys.jwks.keys.map(({ kid }) => kid),
    async reopen(fail = false) {
      await current.store[Symbol.asyncDispose]()
      current = await open(fail)
    },
    async [Symbol.asyncDispose]() {
      await current.store[Symbol.asyncDispose]()
      await rm(dir, { recursive: true })
    },
  }
}

/** Lets hours pass until it holds: the disk takes time of its own, in which nobody looks at the clock. */
async function hourly({ clock }: Awaited<ReturnType<typeof openKeys>>, holds: () => boolean): Promise<void> {
  const look = async () => {
    await clock.advance(3_600_000)
    return holds()
  }
  await expect.poll(look, { timeout: 15_000 }).toBe(true)
}

test('the key that signs next is published before it does, and the one before stays', async () => {
  await using box = await openKeys()
  const [first, next] = box.kids()
  expect(box.keys.current.kid).toBe(first)
  await box.keys.rotate()
  expect(box.keys.current.kid).toBe(next)
  expect(box.kids()).toHaveLength(3)
  expect(box.kids()).toEqual(expect.arrayContaining([first, next]))
  const before = [box.keys.current.kid, ...box.kids().sort()]
  await box.reopen()
  expect([box.keys.current.kid, ...box.kids().sort()]).toEqual(before)
})

test('a previous key goes when the last token that it signed is over, and not before', async () => {
  await using box = await openKeys()
  const [first] = box.kids()
  const removals: number[] = []
  box.keys.onRemoval(() => removals.push(box.clock.monotonic()))
  const aborting = new AbortController()
  const running = box.keys.run(aborting.signal)
  await box.keys.rotate()
  box.setClock(365 * dayMs) // somebody sets the clock: tokens do not end by it, nor do keys
  await box.clock.advance(lifetimeMs)
  expect(box.keys.find(first)).toBeDefined()
  await hourly(box, () => box.keys.find(first) === undefined)
  expect(removals).toHaveLength(1)
  aborting.abort()
  await running
})

test('it rotates by itself after 90 days, and not when the clock is a little off', async () => {
  await using box = await openKeys()
  const aborting = new AbortController()
  const first = box.keys.current.kid
  const running = box.keys.run(aborting.signal)
  await box.clock.advance(89 * dayMs)
  expect(box.keys.current.kid).toBe(first)
  box.setClock(-3_600_000)
  await box.clock.advance(2 * dayMs)
  await hourly(box, () => box.keys.current.kid !== first)
  aborting.abort()
  await running
})

test('what cannot be written does not happen', async () => {
  await using box = await openKeys()
  await box.reopen(true)
  const before = [box.keys.current.kid, ...box.kids()]
  await expect(box.keys.rotate()).rejects.toThrow('the disk is gone')
  expect([box.keys.current.kid, ...box.kids()]).toEqual(before)
})

test('a rotation ends no session, and tokens of before and after it are good', async () => {
  await using edge = await startEdgeAuth()
  await edge.addUser('ann', 'Admin')
  const before = await edge.signIn('ann')
  const rotated = (await edge.run('auth.rotateKeys')) as { kid: string; published: string[] }
  const after = await edge.signIn('ann')
  const header = (token: string) =>
    JSON.parse(Buffer.from(token.split('.')[0] as string, 'base64url').toString())
  expect(header(after).kid).toBe(rotated.kid)
  expect(header(before).kid).not.toBe(rotated.kid)
  expect(rotated.published).toEqual(expect.arrayContaining([header(before).kid, rotated.kid]))
  for (const restart of [false, true]) {
    if (restart) await edge.restart()
    for (const token of [before, after]) expect(await edge.introspect(token)).toMatchObject({ active: true })
  }
})
