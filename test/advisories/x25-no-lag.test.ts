import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { startGateway } from '../harness.ts'
import { type Box, openBox, users } from './boxed.ts'
import { addApp, formHeader, inactive, introspectPath, type OauthApp, revokePath } from './oauth-app.ts'

let box: Box
let app: OauthApp
beforeAll(async () => {
  box = await openBox({ proxied: false })
  app = await addApp(box, 'asking')
})
afterAll(() => box[Symbol.asyncDispose]())

const sessionsOf = (user: string) => box.gateway.operate<{ id: string }[]>('session.list', { user })

test.each<[string, (token: string) => Promise<unknown>]>([
  ['revocation', (token) => app.post(revokePath, { token })],
  [
    'logout',
    (token) =>
      box.ask('/device/edge/auth/logout', { method: 'POST', headers: { authorization: `Bearer ${token}` } }),
  ],
  ['a change of roles', () => box.gateway.operate('user.set', { name: 'ann', roles: ['Viewer'] })],
  ['disabling the user', () => box.gateway.operate('user.disable', { name: 'ann' })],
  [
    'the end of the session',
    async () => box.gateway.operate('session.end', { id: (await sessionsOf('ann'))[0]?.id }),
  ],
  ['the end of all sessions', () => box.gateway.operate('session.end', { all: true })],
])('X25: after %s the very next introspection is inactive', async (_name, end) => {
  await box.gateway.operate('user.enable', { name: 'ann' })
  await box.gateway.operate('user.set', { name: 'ann', roles: [users.ann] })
  const token = await box.token('ann')
  for (let n = 0; n < 3; n++) expect(await app.introspect(token)).toMatchObject({ active: true }) // now cached
  await end(token)
  expect(await app.introspect(token)).toEqual(inactive)
})

interface Asked {
  startedAt: number
  active: boolean
}

/** Introspects the token at about a thousand a second, over kept connections, until stopped. */
function hammer(token: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  const url = new URL(introspectPath, box.gateway.addresses.auth)
  const asked: Asked[] = []
  let stopped = false
  const one = async () => {
    while (!stopped) {
      const startedAt = systemClock.monotonic()
      const { promise, resolve, reject } = Promise.withResolvers<string>()
      const options = { method: 'POST', agent, headers: { ...formHeader, authorization: app.authorization } }
      const outgoing = request(url, options, async (incoming) =>
        resolve(Buffer.concat(await incoming.toArray()).toString()),
      )
      outgoing.once('error', reject)
      outgoing.end(`token=${token}`)
      asked.push({ startedAt, active: JSON.parse(await promise).active })
      await delay(4)
    }
  }
  const all = Promise.all(Array.from({ length: 16 }, one))
  return {
    asked,
    async stop() {
      stopped = true
      await all
      agent.destroy()
    },
  }
}

test('X25: while a token is introspected all the time, none that starts after its revocation is active', async () => {
  const token = await box.token('ada')
  const load = hammer(token)
  const startedAt = systemClock.monotonic()
  await delay(1000)
  expect((await app.post(revokePath, { token })).status).toBe(200)
  const revokedAt = systemClock.monotonic()
  await delay(500)
  await load.stop()
  const after = load.asked.filter((one) => one.startedAt >= revokedAt)
  const before = load.asked.filter((one) => one.startedAt < revokedAt)
  process.stdout.write(
    `X25: ${Math.round((before.length / (revokedAt - startedAt)) * 1000)} introspections/s before the revocation\n`,
  )
  expect(before.some(({ active }) => active)).toBe(true)
  expect(after.length).toBeGreaterThan(0)
  expect(after.filter(({ active }) => active)).toEqual([])
})

test('X25: a revocation that was answered survives kill -9', async () => {
  const [revoked, kept] = [await box.token('ann'), await box.token('ann')]
  const [ownRevoked, ownKept] = [await app.token(), await app.token()]
  for (const token of [revoked, ownRevoked]) expect((await app.post(revokePath, { token })).status).toBe(200)
  await box.gateway.stop('SIGKILL')
  await using again = await startGateway(box.stateDir)
  const introspect = async (token: string) => {
    const answer = await fetch(again.addresses.auth + introspectPath, {
      method: 'POST',
      headers: { authorization: app.authorization },
      body: new URLSearchParams({ token }),
    })
    return answer.json()
  }
  for (const token of [revoked, ownRevoked]) expect(await introspect(token)).toEqual(inactive)
  for (const token of [kept, ownKept]) expect(await introspect(token)).toMatchObject({ active: true })
})
