import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { run } from '../../core/control.ts'
import { type Http, openNetwork } from '../../core/net/index.ts'
import { systemRandom } from '../../core/random.ts'
import { type HubInProcess, hubInProcess, nothingToArchive, silent } from '../../test/hub-in-process.ts'
import { manualClock } from '../../test/manual-clock.ts'
import { type Identity, openIdentity } from '../identity.ts'

const hour = 3_600_000
const day = 24 * hour
const clock = manualClock(Date.UTC(2030, 0, 1))

let hub: HubInProcess
let dir: string
beforeAll(async () => {
  hub = await hubInProcess({ clock })
})
afterAll(() => hub[Symbol.asyncDispose]())
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'edgeward-rotation-'))
  return () => rm(dir, { recursive: true })
})

async function onboardedBox(name: string, http: Http): Promise<Identity> {
  const { boarding } = await hub.createAgent(name, 'SHARED_SECRET')
  const retry = { initialMs: 1000, maxMs: 300_000 }
  const deps = { http, clock, random: systemRandom, log: silent, archive: nothingToArchive }
  const identity = await openIdentity(deps, { dir, retry })
  await run(identity.operations, 'identity.onboard', { boarding })
  return identity
}

/** Lets a minute pass at a time, and the network answer in between, until the text is there. */
const asTimePasses = <T>(look: () => T) =>
  expect.poll(
    async () => {
      await clock.advance(60_000)
      return look()
    },
    { interval: 1, timeout: 15_000 },
  )

test('a box that runs rotates after half of the life of its credential, once', async () => {
  await using identity = await onboardedBox('punctual', openNetwork().http)
  const { credential, rotateAt = 0, credentialIssuedAt = 0 } = identity.status()
  expect(rotateAt - credentialIssuedAt).toBeGreaterThanOrEqual(3.5 * day)
  const stop = new AbortController()
  const running = identity.run(stop.signal)

  await clock.advance(rotateAt - clock.now() - hour)
  expect(identity.status()).toMatchObject({ state: 'onboarded', credential })
  await clock.advance(hour)
  await asTimePasses(() => identity.status().credential).not.toBe(credential)
  expect(identity.status()).toMatchObject({ state: 'onboarded', credentialExpiresAt: expect.any(Number) })
  expect(identity.status().rotateAt).toBeGreaterThan(clock.now() + 3 * day)
  stop.abort()
  await running
})

test('a hub that is down or busy for days is asked again, not faster than it wants, and then answered', async () => {
  const network = openNetwork().http
  let busy = true
  const askedAt: number[] = []
  const http: Http = async (request) => {
    if (!busy || request.method !== 'PUT') return network(request)
    askedAt.push(clock.now())
    return { status: 503, headers: { 'retry-after': '1800' }, body: Buffer.from('') }
  }
  await using identity = await onboardedBox('patient', http)
  const { credential, rotateAt = 0 } = identity.status()
  const stop = new AbortController()
  const running = identity.run(stop.signal)
  await clock.advance(rotateAt - clock.now())
  await asTimePasses(() => askedAt.length).toBeGreaterThan(3)
  const pauses = askedAt.slice(1).map((time, index) => time - (askedAt[index] ?? 0))
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(1_800_000)
  expect(identity.status()).toMatchObject({
    state: 'rotating',
    credential,
    reason: expect.stringContaining('503'),
  })
  expect((await identity.accessToken()).token).toBeTruthy() // the one in use goes on working

  busy = false
  await asTimePasses(() => identity.status().credential).not.toBe(credential)
  stop.abort()
  await running
})

test('a refused rotation leaves a working credential in use, and is tried again slowly', async () => {
  const network = openNetwork().http
  let refusing = true
  let refused = 0
  const http: Http = async (request) => {
    if (!refusing || request.method !== 'PUT') return network(request)
    refused++
    return { status: 401, headers: {}, body: Buffer.from('{"error":"token_validation_failed"}') }
  }
  await using identity = await onboardedBox('refused', http)
  const { credential, rotateAt = 0 } = identity.status()
  await expect(run(identity.operations, 'identity.rotate', {})).rejects.toMatchObject({ exitCode: 4 })
  expect(identity.status()).toMatchObject({
    state: 'onboarded',
    credential,
    reason: 'status 401, token_validation_failed',
  })
  const stop = new AbortController()
  const running = identity.run(stop.signal)
  await clock.advance(rotateAt - clock.now())
  await asTimePasses(() => refused).toBeGreaterThan(2)
  await expect.poll(() => identity.status()).toMatchObject({ state: 'onboarded', credential })
  refusing = false
  await asTimePasses(() => identity.status().credential).not.toBe(credential)
  stop.abort()
  await running
})
