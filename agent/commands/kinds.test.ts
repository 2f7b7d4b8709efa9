import { expect, test } from 'vitest'
import { maxResultBytes } from '../../protocol/commands.ts'
import { type Abilities, kindsOf } from './kinds.ts'
import { redacted, redactedLine } from './redaction.ts'

const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJib3gifQ.c2lnbmF0dXJl'
const key = '-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----'
const signal = new AbortController().signal

const abilities = (more: Partial<Abilities>): Abilities => ({
  fetchConfiguration: async () => {},
  configuration: () => ({ status: {}, dataSources: {} }),
  rotate: async () => ({}),
  ...more,
})

test.each([
  [{ password: 'hunter2' }, { password: '[cut]' }],
  [{ deep: [{ client_secret: 's' }] }, { deep: [{ client_secret: '[cut]' }] }],
  [{ proxy_secret_file: '/etc/x' }, { proxy_secret_file: '/etc/x' }],
  [{ token_lifetime: 60 }, { token_lifetime: 60 }],
  [{ note: `got ${jwt} back` }, { note: 'got [cut] back' }],
  [{ header: 'Bearer abcdefghij' }, { header: 'Bearer [cut]' }],
  [{ pem: key }, { pem: '[cut]' }],
  [{ url: 'https://ann:pw@host/x' }, { url: 'https://[cut]@host/x' }],
  [{ url: 'https://ghp_abc@host/x' }, { url: 'https://[cut]@host/x' }],
  [
    { tokens: ['abc', { name: 'press', secret: 's' }] },
    { tokens: ['[cut]', { name: 'press', secret: '[cut]' }] },
  ],
  [
    { value: null, count: 3, is: true },
    { value: null, count: 3, is: true },
  ],
])('of %o the hub gets %o', (value, shown) => {
  expect(redacted(value)).toEqual(shown)
})

test('a line of the log that is not JSON is redacted as text', () => {
  expect(redactedLine(`panic: ${jwt}`)).toBe('panic: [cut]')
  expect(redactedLine(`{"msg":"x","password":"p"}`)).toBe('{"msg":"x","password":"[cut]"}')
})

test('an excerpt of the log has the newest lines, as many as were asked for and fit', async () => {
  const lines = Array.from({ length: 3_000 }, (_, n) => JSON.stringify({ n, msg: 'x'.repeat(100) }))
  const { log } = kindsOf(abilities({ recentLog: () => lines }))
  expect(await log({ lines: 2 }, signal)).toEqual({ lines: lines.slice(-2), leftOut: 2_998 })
  const most = (await log({ lines: 2_000 }, signal)) as { lines: string[] }
  expect(most.lines.at(-1)).toBe(lines.at(-1))
  expect(most.lines.length).toBeGreaterThan(400)
  expect(Buffer.byteLength(JSON.stringify(most.lines))).toBeLessThanOrEqual(64 * 1024 + 2)
})

test('a configuration that is too large is told without its data sources', async () => {
  const dataSources = Array.from({ length: 5_000 }, (_, n) => ({ name: `source ${n}` }))
  const { configuration } = kindsOf(
    abilities({ configuration: () => ({ status: { dataSources: 5_000 }, dataSources }), settings: { a: 1 } }),
  )
  const shown = await configuration({ fetch: false }, signal)
  expect(Buffer.byteLength(JSON.stringify(shown))).toBeLessThan(maxResultBytes)
  expect(shown).toEqual({
    status: { dataSources: 5_000 },
    settings: { a: 1 },
    dataSources: 'too many to be shown',
  })
})

test('a configuration is fetched first unless that was not asked for', async () => {
  let fetched = 0
  const { configuration } = kindsOf(abilities({ fetchConfiguration: async () => void fetched++ }))
  await configuration({}, signal)
  await configuration({ fetch: false }, signal)
  expect(fetched).toBe(1)
})
