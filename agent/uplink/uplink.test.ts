import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { run } from '../../core/control.ts'
import { openNetwork } from '../../core/net/index.ts'
import { systemRandom } from '../../core/random.ts'
import { startHub, type TestHub } from '../../hub/test-hub.ts'
import { tcpLink } from '../../test/tcp-link.ts'
import { createAlarms } from '../alarms.ts'
import type { ToldTime } from '../hub-time.ts'
import { type AccessToken, type Membership, openIdentity } from '../identity.ts'
import { openOutbox } from '../outbox/index.ts'
import { createUplink, type UplinkConfig, type UplinkDeps } from './index.ts'

const log = pino({ level: 'silent' })
const retry = { initialMs: 1, maxMs: 20 }
const report = {
  ...{ time: 1, release: 'r', sources: [], alarms: [] },
  outbox: { readings: 0, bytes: 0, lost: {} },
}
const deps = { clock: systemClock, random: systemRandom, log }

let hub: TestHub
beforeAll(async () => {
  hub = await startHub()
})
afterAll(() => hub[Symbol.asyncDispose]())

/** Resolves when the condition holds; the test's own timeout says when it never does. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await systemClock.sleep(5)
}

async function temporaryDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'uplink-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  return dir
}

/** An agent that the hub has taken in, and its access token. */
const archive = async () => ({ directory: '', readings: 0 })

async function onboard(): Promise<{ membership: Membership; token: AccessToken }> {
  const { boarding } = await hub.create('SHARED_SECRET')
  await using identity = await openIdentity(
    { ...deps, http: openNetwork().http, archive },
    { dir: await temporaryDir(), retry },
  )
  await run(identity.operations, 'identity.onboard', { boarding })
  return { membership: identity.current() as Membership, token: await identity.accessToken() }
}

/** An identity that says what a test tells it to. */
function scriptedIdentity(membership: Membership | undefined, token: AccessToken) {
  const listeners: (() => void)[] = []
  const forgotten: string[] = []
  let current = membership
  const identity: UplinkDeps['identity'] = {
    async onboarded(signal) {
      while (current === undefined) await systemClock.sleep(1, signal)
      return current
    },
    onChange: (listener) => void listeners.push(listener),
    accessToken: async () => token,
    forget: (text) => void forgotten.push(text),
  }
  return {
    ...identity,
    forgotten,
    become(next: Membership): void {
      current = next
      for (const listener of listeners) listener()
    },
    setToken(next: AccessToken): void {
      token = next
    },
  }
}

/** Agent, outbox and running uplink, with a network in between that can be broken. */
async function start(
  config: Partial<UplinkConfig> & { mode?: 'always' | 'spill' } = {},
  given?: UplinkDeps['identity'],
) {
  const { membership, token } = await onboard()
  const link = await tcpLink(membership.mqtt as string)
  const reachable: Membership = { ...membership, mqtt: `mqtt://${link.address}` }
  const identity = scriptedIdentity(reachable, token)
  const path = join(await temporaryDir(), 'outbox.db')
  const outbox = await openOutbox(
    { ...deps, alarms: createAlarms(deps) },
    {
      ...{ path, boot: 'boot-1', commitIntervalMs: 1, commitBytes: 1024, maxBytes: 64_000_000 },
      ...{ ballastBytes: 65_536, whenFull: 'drop_oldest', mode: 'always' },
      ...(config.mode === 'spill' ? { mode: 'spill', commitIntervalMs: 10_000, commitBytes: 1 } : {}),
    },
  )
  const asked: (string | undefined)[] = []
  const told: ToldTime[] = []
  const uplink = createUplink(
    {
      ...deps,
      ...openNetwork(),
      identity: given ?? identity,
      outbox,
      onTime: (time) => void told.push(time),
      onConfiguration: (eTag) => void asked.push(eTag),
      configurationId: () => undefined,
      report: async () => report,
    },
    {
      ...{ format: 'columnar', trustPuback: false, window: 4, ackTimeoutMs: 10_000, retry },
      ...{ minIntervalMs: 1, maxIntervalMs: 2, maxBytes: 100_000 },
      ...config,
    },
  )
  const stopping = new AbortController()
  const running = uplink.run(stopping.signal)
  const stop = async () => {
    stopping.abort()
    await running
  }
  onTestFinished(async () => {
    await stop()
    await outbox[Symbol.asyncDispose]()
    await link[Symbol.asyncDispose]()
  })

  let appended = 0
  return {
    agentId: membership.agentId,
    membership: reachable,
    token,
    identity,
    link,
    outbox,
    uplink,
    asked,
    told,
    stop,
    connected: () => until(() => uplink.status().state === 'connected'),
    delivered: () => until(async () => (await outbox.stats()).batches === 0),
    /** One batch with the next value. */
    append: () =>
      outbox.append({
        source: 's',
        readings: [{ point: 'p', value: appended, quality: 0, time: appended++ }],
      }),
    expected: () => Array.from({ length: appended }, (_, k) => k),
  }
}

async function atHub(agentId: string): Promise<unknown[]> {
  const page = await hub.operate('data.query', { agent: agentId, limit: 10_000 })
  return page.readings.map(({ value }: { value: unknown }) => value)
}

test('what was gathered before the connection and during it arrives once, in order', async () => {
  const agent = await start()
  for (let k = 0; k < 20; k++) await agent.append()
  await agent.delivered()
  expect(await atHub(agent.agentId)).toEqual(agent.expected())
  expect(agent.uplink.status()).toMatchObject({ state: 'connected', inFlight: 0, acknowledgedBatches: 20 })
  expect(agent.uplink.status().lastAckAt).toBeTypeOf('number')
  expect(agent.uplink.status()).toMatchObject({
    ...{ kind: 'mqtt', format: 'columnar', protocol: 'mqtt 3.1.1', acknowledgedReadings: 20 },
    lanes: { live: 0, backlog: 0 },
  })
})

test('an acknowledgement tells the time of the hub, and how long its batch was under way', async () => {
  const agent = await start()
  await agent.connected()
  const before = { now: systemClock.now(), monotonic: systemClock.monotonic() }
  await agent.append()
  await agent.delivered()
  const [told] = agent.told
  expect(told?.time).toBeGreaterThanOrEqual(before.now)
  expect(told?.time).toBeLessThanOrEqual(systemClock.now())
  expect(told?.roundTripMs).toBeGreaterThan(0)
  expect(told?.roundTripMs).toBeLessThan(systemClock.monotonic() - before.monotonic)
})

test('everything taken during an outage arrives once after it', async () => {
  const agent = await start()
  await agent.append()
  await agent.delivered()
  agent.link.setDown(true)
  await until(() => agent.uplink.status().state === 'disconnected')
  expect(agent.uplink.status().reason).toContain('closed')
  for (let k = 0; k < 20; k++) await agent.append()
  agent.link.setDown(false)
  await agent.delivered()
  expect(await atHub(agent.agentId)).toEqual(agent.expected())
})

test('a batch whose acknowledgement got lost is sent again and counted once', async () => {
  const agent = await start()
  await agent.connected()
  agent.link.setDeafened(true)
  for (let k = 0; k < 3; k++) await agent.append()
  await until(async () => (await atHub(agent.agentId)).length === 3)
  expect((await agent.outbox.stats()).batches).toBe(3)
  agent.link.setDeafened(false)
  agent.link.cut()
  await agent.delivered()
  expect(await atHub(agent.agentId)).toEqual(agent.expected())
})

test('no more than the window is sent without an acknowledgement', async () => {
  const agent = await start({ maxBytes: 1 })
  await agent.connected()
  agent.link.setDeafened(true)
  for (let k = 0; k < 10; k++) await agent.append()
  await until(async () => (await atHub(agent.agentId)).length >= 4)
  expect(agent.uplink.status().inFlight).toBe(4)
  expect(await atHub(agent.agentId)).toEqual([0, 1, 2, 3])
})

test('a connection on which nothing is acknowledged any more is given up', async () => {
  const agent = await start({ ackTimeoutMs: 50 })
  await agent.connected()
  agent.link.setDeafened(true)
  await agent.append()
  await until(() => agent.uplink.status().reason?.includes('not acknowledged') ?? false)
  agent.link.setDeafened(false)
  agent.link.cut() // what waits for a CONNACK that got lost
  await agent.delivered()
  expect(await atHub(agent.agentId)).toEqual(agent.expected())
})

test('when the token is due, a new connection takes over without loss', async () => {
  const agent = await start()
  await agent.connected()
  const before = agent.link.accepted()
  agent.identity.setToken({ ...agent.token, renewAt: systemClock.monotonic() + 50 })
  agent.link.cut()
  await until(() => agent.link.accepted() === before + 1)
  agent.identity.setToken(agent.token)
  while (agent.link.accepted() < before + 2) await agent.append()
  await agent.delivered()
  expect(await atHub(agent.agentId)).toEqual(agent.expected())
})

test('the version of MQTT that the hub speaks is found out once', async () => {
  const agent = await start()
  await agent.connected()
  expect(agent.link.accepted()).toBe(2) // 5, then 3.1.1
  agent.link.cut()
  await until(() => agent.asked.length === 2)
  expect(agent.link.accepted()).toBe(3)
  expect(agent.uplink.status().protocol).toBe('mqtt 3.1.1')
})

test('a box that is just taken in connects once', async () => {
  const { boarding } = await hub.create('SHARED_SECRET')
  await using identity = await openIdentity(
    { ...deps, http: openNetwork().http, archive },
    { dir: await temporaryDir(), retry },
  )
  const agent = await start({}, identity)
  await run(identity.operations, 'identity.onboard', { boarding })
  await agent.connected()
  await agent.append()
  await agent.delivered()
  await systemClock.sleep(100)
  expect(agent.asked).toEqual([undefined])
})

test('losses and the state of the box are told, and taken off when the hub has them', async () => {
  const agent = await start()
  await agent.append()
  agent.outbox.lose('s', 'refused', 2)
  await agent.append() // a commit writes the row too
  await agent.delivered()
  agent.link.cut() // the ledger is looked at with each connection
  await until(async () => {
    const { gaps } = await hub.operate('data.gaps', { agent: agent.agentId })
    return gaps.length === 1 && gaps[0].reason === 'refused' && gaps[0].count === 2
  })
  await until(async () => (await agent.outbox.pendingGaps(10)) === undefined)
})

test('what the hub acknowledges in time is never written to disk', async () => {
  const agent = await start({ mode: 'spill' })
  await agent.connected()
  for (let k = 0; k < 10; k++) await agent.append()
  expect(await atHub(agent.agentId)).toEqual(agent.expected())
  expect(await agent.outbox.stats()).toMatchObject({ takenIn: 10, written: 0, acknowledged: 10 })
})

test('another membership is connected to at once', async () => {
  const agent = await start()
  await agent.connected()
  const other = await onboard()
  agent.identity.setToken(other.token)
  agent.identity.become(other.membership)
  await until(() => agent.uplink.status().target === other.membership.mqtt)
  await agent.append()
  await agent.delivered()
  expect(await atHub(other.membership.agentId)).toEqual(agent.expected())
})

test('without what it takes, and over clear text on the network, it waits and says why', async () => {
  const agent = await start()
  const { mqtt: _none, ...nowhere } = agent.membership
  agent.identity.become(nowhere)
  await until(() => agent.uplink.status().reason?.includes('data source configuration') ?? false)
  agent.identity.become({ ...agent.membership, mqtt: 'mqtt://192.0.2.1:1883' })
  await until(() => agent.uplink.status().reason?.includes('clear text') ?? false)
  expect(agent.uplink.status().state).toBe('waiting')
  agent.identity.become(agent.membership)
  await agent.connected()
})

test('a token that the hub refuses is forgotten, and the reason said', async () => {
  const agent = await start()
  await agent.connected()
  agent.identity.setToken({ ...agent.token, token: 'forged' })
  agent.link.cut()
  await until(() => agent.identity.forgotten.includes('forged'))
  expect(agent.uplink.status().reason).toContain('refused')
  agent.identity.setToken(agent.token)
  await agent.connected()
})

test('the configuration is asked for at each connection and when the hub announces one', async () => {
  const agent = await start()
  await agent.connected()
  await until(() => agent.asked.length === 1)
  await hub.operate('agent.configure', {
    id: agent.agentId,
    configuration: { configurationId: 'c', dataSources: [] },
  })
  await until(() => agent.asked.length === 2)
  agent.link.cut()
  await until(() => agent.asked.length === 3)
  expect(agent.asked).toEqual([undefined, '1', undefined])
})

test('it ends when aborted, also while the hub is away', async () => {
  const agent = await start({ retry: { initialMs: 3_600_000, maxMs: 3_600_000 } })
  await agent.connected()
  agent.link.setDown(true)
  await until(() => agent.uplink.status().state === 'disconnected')
  await agent.stop()
})

test('exactly once, however the connection breaks', async () => {
  const agent = await start({ ackTimeoutMs: 100 })
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constant(agent.append) },
    { weight: 2, arbitrary: fc.constant(async () => agent.link.cut()) },
    { weight: 1, arbitrary: fc.boolean().map((on) => async () => agent.link.setDeafened(on)) },
    { weight: 1, arbitrary: fc.boolean().map((on) => async () => agent.link.setDown(on)) },
    { weight: 2, arbitrary: fc.nat({ max: 8 }).map((ms) => () => systemClock.sleep(ms)) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      for (const run of steps) await run()
      agent.link.setDown(false)
      agent.link.setDeafened(false)
      agent.link.cut()
      await agent.delivered()
      expect(await atHub(agent.agentId)).toEqual(agent.expected())
    }),
    { numRuns: 15, endOnFailure: true },
  )
})
