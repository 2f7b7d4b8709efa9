import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { type Box, directLogin, openBox, password } from './boxed.ts'
import { addApp, formHeader, introspectPath, type OauthApp, revokePath, tokenPath } from './oauth-app.ts'

let box: Box
let app: OauthApp
beforeAll(async () => {
  box = await openBox({ proxied: false, env: { EDGEWARD_AUTH_LOGIN_ATTEMPTS: '1000' } })
  app = await addApp(box, 'asking')
})
afterAll(() => box[Symbol.asyncDispose]())

const login = (username: string, typed: string) =>
  box.ask(directLogin, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password: typed }),
  })

test('X16: a password that nobody can have is refused before it is hashed', async () => {
  for (const size of [1025, 10_000, 60_000]) expect((await login('ann', 'x'.repeat(size))).status).toBe(400)
})

test.each([introspectPath, `${introspectPath}/`, tokenPath, revokePath])(
  'X16: %s reads no more than 64 kB, however it is sent',
  async (path) => {
    const body = `token=${'x'.repeat(65_536)}`
    const headers = { ...formHeader, authorization: app.authorization }
    for (const way of [{}, { 'transfer-encoding': 'chunked' }])
      expect((await box.ask(path, { method: 'POST', headers: { ...headers, ...way }, body })).status).toBe(
        413,
      )
  },
)

test('X16: of many logins at once few are hashed and the rest sent away; introspection goes on', async () => {
  const token = await box.token('ada')
  const introspect = async (count: number) => {
    const took: number[] = []
    for (let n = 0; n < count; n++) {
      const start = systemClock.monotonic()
      expect(await app.introspect(token)).toMatchObject({ active: true })
      took.push(systemClock.monotonic() - start)
    }
    return took.toSorted((a, b) => a - b)
  }
  const p99 = (sorted: readonly number[]) => sorted[Math.ceil(sorted.length * 0.99) - 1] as number
  const quiet = await introspect(200)
  let done = false
  const logins = Promise.all(Array.from({ length: 128 }, () => login('ann', password))).finally(() => {
    done = true
  })
  const busy: number[] = []
  while (!done) busy.push(...(await introspect(10)))
  const answers = await logins
  const statuses = answers.map(({ status }) => status)
  process.stdout.write(
    `X16: introspection p99 ${p99(quiet).toFixed(1)} ms quiet, ${p99(busy.toSorted((a, b) => a - b)).toFixed(1)} ms while 128 sign in\n`,
  )
  expect(new Set(statuses)).toEqual(new Set([200, 503]))
  for (const { status, headers } of answers)
    if (status === 503) expect(Number(headers['retry-after'])).toBeGreaterThan(0)
})

test('X16: who sends a request byte by byte is cut off', async () => {
  const { hostname, port } = new URL(box.gateway.addresses.auth)
  const starts = [
    `POST ${introspectPath} HTTP/1.1\r\nhost: box\r\n`,
    `POST ${introspectPath} HTTP/1.1\r\nhost: box\r\ncontent-type: ${formHeader['content-type']}\r\ncontent-length: 100\r\n\r\nt`,
  ]
  await Promise.all(
    starts.map(async (start) => {
      const socket = connect(Number(port), hostname)
      socket.on('error', () => {}) // cut off while it writes
      socket.resume()
      const closed = once(socket, 'close')
      socket.write(start)
      const dripping = setInterval(() => socket.write('x'), 1000)
      await closed
      clearInterval(dripping)
    }),
  )
  expect(await app.introspect(await box.token('ann'))).toMatchObject({ active: true })
})
