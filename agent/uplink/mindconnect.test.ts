import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { run } from '../../core/control.ts'
import { openNetwork } from '../../core/net/index.ts'
import { systemRandom } from '../../core/random.ts'
import { startHub } from '../../hub/test-hub.ts'
import { type ManualClock, manualClock } from '../../test/manual-clock.ts'
import type { ToldTime } from '../hub-time.ts'
import { type Membership, openIdentity } from '../identity.ts'
import { createUplink, type UplinkConfig, type UplinkDeps } from './index.ts'
import { memoryOutbox } from './test-outbox.ts'

const log = pino({ level: 'silent' })
const network = openNetwork()
const at = Date.UTC(2026, 10, 21, 10)

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await systemClock.sleep(2)
}

interface Exchange {
  url: string | undefined
  headers: IncomingHttpHeaders
  body: string
  /** In the payload. */
  values: string[]
}

type Answer = (exchange: Exchange, response: ServerResponse) => void

const json =
  (status: number, message = 'no', headers = {}): Answer =>
  (_exchange, response) =>
    void response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(`{"message":"${message}"}`)
const ok: Answer = (_exchange, response) =>
  void response.writeHead(200, { 'server-time': '1700000000' }).end()

/** A far side that answers by its script; afterwards it takes everything. */
async function scripted(...script: Answer[]) {
  const exchanges: Exchange[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    const values = [...body.matchAll(/"value":"([^"]*)"/g)].map(([, value]) => value as string)
    const exchange = { url: request.url, headers: request.headers, body, values }
    exchanges.push(exchange)
    ;(script.shift() ?? ok)(exchange, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, exchanges, script }
}

function start(
  membership: Membership,
  given: Partial<UplinkDeps> = {},
  config: Partial<UplinkConfig> = {},
  clock: ManualClock | typeof systemClock = systemClock,
) {
  const outbox = memoryOutbox(clock)
  const forgotten: string[] = []
  const told: ToldTime[] = []
  const asked: (string | undefined)[] = []
  let tokens = 1
  const uplink = createUplink(
    {
      ...{ ...network, outbox, log, clock, random: systemRandom },
      identity: {
        onboarded: async () => membership,
        onChange() {},
        accessToken: async () => ({ token: `token-${tokens}`, renewAt: 1e12, expiresAt: 1e12 }),
        forget(token) {
          forgotten.push(token)
          tokens++
        },
      },
      onConfiguration: (eTag) => void asked.push(eTag),
      configurationId: () => 'CF-1',
      onTime: (time) => void told.push(time),
      report: () => Promise.reject(new Error('nobody is told over HTTP')),
      ...given,
    },
    {
      ...{ format: 'columnar', trustPuback: false, window: 32, ackTimeoutMs: 10_000 },
      ...{ minIntervalMs: 10, maxIntervalMs: 20, maxBytes: 100_000, retry: { initialMs: 1, maxMs: 10 } },
      ...config,
    },
  )
  const stopping = new AbortController()
  const running = uplink.run(stopping.signal)
  onTestFinished(async () => {
    stopping.abort()
    await running
  })
  let appended = 0
  const append = (count = 1) => {
    for (let k = 0; k < count; k++)
      outbox.append('press', [{ point: 'p', value: ++appended, quality: 0, time: at + appended }])
  }
  return {
    outbox,
    uplink,
    forgotten,
    told,
    asked,
    append,
    drained: () => until(() => outbox.waiting() === 0),
  }
}

const membershipAt = (baseUrl: string): Membership => ({ tenant: 'plant', agentId: 'one', baseUrl })
const oneTo = (count: number) => Array.from({ length: count }, (_, k) => String(k + 1))

test('without MQTT an exchange goes to Insights Hub as it wants it', async () => {
  const far = await scripted()
  const agent = start(membershipAt(far.url))
  agent.append(3)
  await agent.drained()
  const [{ url, headers, body, values }] = far.exchanges as [Exchange]
  expect(url).toBe('/api/mindconnect/v3/exchange')
  expect(headers.authorization).toBe('Bearer token-1')
  expect(headers['content-type']).toMatch(/^multipart\/mixed;boundary=/)
  expect(body).toContain('"type":"standardTimeSeries"')
  expect(body).toContain('"details":{"configurationId":"CF-1"}')
  expect(values).toEqual(['1', '2', '3'])
  expect(agent.uplink.status()).toMatchObject({
    ...{ state: 'connected', target: far.url, kind: 'mindconnect', format: 'insights', protocol: 'http' },
    ...{ inFlight: 0, acknowledgedBatches: 3, acknowledgedReadings: 3 },
  })
  expect(agent.told[0]).toMatchObject({ time: 1_700_000_000_000, resolutionMs: 1000 })
  expect(agent.asked).toEqual([undefined])
})

test('without a configuration to name it waits, says so, and goes on when there is one', async () => {
  const far = await scripted()
  const clock = manualClock()
  let configurationId: string | undefined
  const agent = start(membershipAt(far.url), { configurationId: () => configurationId }, {}, clock)
  agent.append()
  await until(() => agent.uplink.status().reason?.includes('data source configuration') ?? false)
  expect(agent.uplink.status().state).toBe('waiting')
  configurationId = 'CF-2'
  await clock.advance(1_000)
  await agent.drained()
  expect(far.exchanges[0]?.body).toContain('CF-2')
})

test('a token that is not taken is replaced by a fresh one', async () => {
  const far = await scripted(json(401))
  const agent = start(membershipAt(far.url))
  agent.append()
  await agent.drained()
  expect(agent.forgotten).toEqual(['token-1'])
  expect(far.exchanges.map(({ headers }) => headers.authorization)).toEqual([
    'Bearer token-1',
    'Bearer token-2',
  ])
})

test('a far side that takes no token at all is asked with pauses, and the reason is said', async () => {
  const far = await scripted(json(401, 'who are you'), json(401, 'who are you'))
  const clock = manualClock()
  const agent = start(membershipAt(far.url), {}, { retry: { initialMs: 60_000, maxMs: 60_000 } }, clock)
  agent.append()
  await until(() => agent.uplink.status().state === 'disconnected')
  expect(agent.uplink.status().reason).toContain('who are you')
  expect(agent.outbox.waiting()).toBe(1)
  await clock.advance(60_000)
  await agent.drained()
  expect(agent.uplink.status()).toMatchObject({ state: 'connected' })
  expect(agent.uplink.status().reason).toBeUndefined()
})

test('a far side that is too busy is left alone for as long as it asks', async () => {
  const far = await scripted(json(429, 'slow down', { 'retry-after': '120' }))
  const clock = manualClock()
  const agent = start(membershipAt(far.url), {}, {}, clock)
  agent.append()
  await until(() => agent.uplink.status().state === 'disconnected')
  await clock.advance(119_000)
  expect(far.exchanges).toHaveLength(1)
  await clock.advance(2_000)
  await agent.drained()
  expect(far.exchanges).toHaveLength(2)
})

test.each([500, 503, 404, 302])('status %i changes nothing, and is tried again', async (status) => {
  const far = await scripted(json(status), json(status))
  const agent = start(membershipAt(far.url))
  agent.append(2)
  await agent.drained()
  expect(far.exchanges.map(({ values }) => values)).toEqual([
    ['1', '2'],
    ['1', '2'],
    ['1', '2'],
  ])
  expect(agent.outbox.rejected).toEqual([])
})

test('a body that is too large goes in halves', async () => {
  const limited: Answer = (exchange, response) =>
    (exchange.body.length > 2_500 ? json(413) : ok)(exchange, response)
  const far = await scripted(...Array.from({ length: 100 }, () => limited))
  const agent = start(membershipAt(far.url))
  agent.append(100)
  await agent.drained()
  const taken = far.exchanges.filter(({ body }) => body.length <= 2_500)
  expect(new Set(taken.flatMap(({ values }) => values))).toEqual(new Set(oneTo(100)))
  expect(agent.outbox.rejected).toEqual([])
})

test('the batch that is refused is found by halves and given up, the others arrive', async () => {
  const picky: Answer = (exchange, response) =>
    (exchange.values.includes('5') ? json(400, 'no five') : ok)(exchange, response)
  const far = await scripted(...Array.from({ length: 100 }, () => picky))
  const agent = start(membershipAt(far.url))
  agent.append(8)
  await agent.drained()
  const taken = far.exchanges.filter(({ values }) => !values.includes('5')).flatMap(({ values }) => values)
  expect(taken.sort()).toEqual(['1', '2', '3', '4', '6', '7', '8'])
  expect(agent.outbox.rejected.map(([, ranges]) => ranges)).toEqual([[[5, 5]]])
  expect(agent.uplink.status().acknowledgedBatches).toBe(7)
})

test('a 400 that does not come from the hub gives nothing up', async () => {
  const proxy: Answer = (_exchange, response) =>
    void response.writeHead(400, { 'content-type': 'text/html' }).end('<h1>Bad Request</h1>')
  const far = await scripted(proxy, proxy)
  const agent = start(membershipAt(far.url))
  agent.append()
  await agent.drained()
  expect(far.exchanges).toHaveLength(3)
  expect(agent.outbox.rejected).toEqual([])
})

test('a connection that breaks in the middle loses nothing', async () => {
  const cut: Answer = (_exchange, response) => void response.destroy()
  const far = await scripted(cut, cut)
  const agent = start(membershipAt(far.url))
  agent.append()
  await agent.drained()
  expect(far.exchanges).toHaveLength(3)
})

test('readings without a value are left out and counted', async () => {
  const far = await scripted()
  const agent = start(membershipAt(far.url))
  agent.outbox.append('press', [{ point: 'p', value: null, quality: 0x80000000, time: at }])
  await agent.drained()
  await until(() => agent.uplink.status().leftOut === 1)
  expect(far.exchanges).toHaveLength(0)
})

test('clear text over the network is refused', async () => {
  const agent = start(membershipAt('http://192.0.2.1'))
  await until(() => agent.uplink.status().reason?.includes('clear text') ?? false)
  expect(agent.uplink.status().state).toBe('waiting')
})

test('the configuration is looked for now and then, since nobody announces one over HTTP', async () => {
  const far = await scripted()
  const clock = manualClock()
  const agent = start(membershipAt(far.url), {}, {}, clock)
  await until(() => agent.asked.length === 1)
  await clock.advance(300_000)
  expect(agent.asked).toEqual([undefined, undefined])
})

test('our hub takes it: typed, with quality, each value once', async () => {
  await using hub = await startHub()
  const { id, boarding } = await hub.create('SHARED_SECRET')
  const dataPoints = [
    { id: 'n', name: 'n', type: 'DOUBLE' },
    { id: 'on', name: 'on', type: 'BOOLEAN' },
  ]
  const dataSources = [{ name: 'press', dataPoints }]
  await hub.operate('agent.configure', { id, configuration: { configurationId: 'CF-1', dataSources } })
  const dir = await mkdtemp(join(tmpdir(), 'uplink-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const archive = async () => ({ directory: '', readings: 0 })
  await using identity = await openIdentity(
    { ...network, clock: systemClock, random: systemRandom, log, archive },
    { dir, retry: { initialMs: 1, maxMs: 10 } },
  )
  const { mqtt: _none, ...content } = boarding.content
  await run(identity.operations, 'identity.onboard', { boarding: { ...boarding, content } })
  const agent = start(identity.current() as Membership, { identity })
  for (let k = 0; k < 20; k++)
    agent.outbox.append('press', [
      { point: 'n', value: k + 0.5, quality: 0, time: at + k },
      { point: 'on', value: k % 2 === 0, quality: 0x40000000, time: at + k },
    ])
  await agent.drained()
  const { readings } = await hub.operate('data.query', { agent: id, limit: 1_000 })
  expect(readings).toHaveLength(40)
  const time = new Date(at + 7).toISOString()
  expect(readings).toContainEqual({ pointId: 'n', value: 7.5, quality: 0, time })
  expect(readings).toContainEqual({ pointId: 'on', value: false, quality: 0x40000000, time })
})
