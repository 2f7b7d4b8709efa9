import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../core/clock.ts'
import { run } from '../core/control.ts'
import { createLog } from '../core/log.ts'
import { openNetwork } from '../core/net/index.ts'
import { systemRandom } from '../core/random.ts'
import { securityProfiles } from '../protocol/boarding.ts'
import { type HubInProcess, hubInProcess, silent } from '../test/hub-in-process.ts'
import { type Agent, type AgentConfig, openAgent, openTime } from './index.ts'

let hub: HubInProcess
let stateDir: string
let serial = 0
beforeAll(async () => {
  hub = await hubInProcess()
})
afterAll(() => hub[Symbol.asyncDispose]())
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'edgeward-agent-'))
  return () => rm(stateDir, { recursive: true })
})

async function startAgent(log = silent, settings: Partial<AgentConfig> = {}) {
  const retry = { initialMs: 5, maxMs: 50 }
  const deps = { clock: systemClock, random: systemRandom, log }
  const time = await openTime(
    { ...deps, synchronised: async () => false },
    { path: join(stateDir, 'time.json'), releasedAt: 0 },
  )
  const agent = await openAgent(
    { ...deps, network: openNetwork(), time },
    {
      stateDir,
      retry,
      uplink: {
        ...{ format: 'columnar', trustPuback: false, window: 8, ackTimeoutMs: 10_000, retry },
        ...{ minIntervalMs: 10, maxIntervalMs: 1_000, maxBytes: 100_000 },
      },
      outbox: {
        ...{ mode: 'spill', commitIntervalMs: 10, commitBytes: 65_536 },
        ...{ maxBytes: 64 * 1024 * 1024, ballastBytes: 1024 * 1024, whenFull: 'drop_oldest' },
      },
      sources: { minIntervalMs: 100, localDir: join(stateDir, 'sources.d'), confirmTimeoutMs: 60_000 },
      ...settings,
    },
  )
  const stop = new AbortController()
  const running = agent.run(stop.signal)
  return {
    ...agent,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
      await agent[Symbol.asyncDispose]()
    },
  }
}

const fromApps = {
  configurationId: 'apps',
  dataSources: [
    {
      name: 'press',
      customData: { protocol: 'mqtt' },
      dataPoints: [
        {
          id: 'temp',
          name: 'temperature',
          type: 'DOUBLE',
          unit: 'C',
          customData: { topic: 'apps/press/temp' },
        },
      ],
    },
  ],
}

test('what an app publishes arrives at the hub once the box is onboarded and configured', async () => {
  const { id, boarding } = await hub.createAgent('whole', 'SHARED_SECRET')
  await hub.ask('agent.configure', { id, configuration: fromApps })
  await using agent = await startAgent()
  const publish = () => agent.offer('apps/press/temp', Buffer.from('21.5'))
  expect(publish()).toBeUndefined() // no data point is bound to the topic yet
  await run(agent.operations, 'identity.onboard', { boarding })
  await expect.poll(() => publish() !== undefined, { timeout: 10_000 }).toBe(true)
  const arrived = async () => JSON.stringify(await hub.ask('data.query', { agent: id, point: 'temp' }))
  await expect.poll(arrived, { timeout: 10_000 }).toContain('21.5')
  expect(await run(agent.operations, 'agent.status', {})).toMatchObject({
    identity: { state: 'onboarded', agentId: id },
    uplink: { state: 'connected' },
    configuration: { configurationId: 'apps', dataPoints: 1 },
    sources: [{ name: 'press' }],
    time: { state: 'trusted', source: 'hub' },
  })
  const gauges = new Map((await agent.gauges()).map(({ name, samples }) => [name, samples]))
  expect(gauges.get('edgeward_identity_state')).toContainEqual({ labels: { state: 'onboarded' }, value: 1 })
  expect(gauges.get('edgeward_identity_state')).toContainEqual({ labels: { state: 'rotating' }, value: 0 })
  expect(gauges.get('edgeward_uplink_connected')).toEqual([{ value: 1 }])
  expect(gauges.get('edgeward_last_successful_rotation_timestamp_seconds')).toEqual([])
  await run(agent.operations, 'identity.rotate', {})
  const [rotated] = (await agent.gauges()).filter(({ name }) => /successful_rotation/.test(name))
  expect(rotated?.samples[0]?.value).toBeGreaterThan(systemClock.now() / 1000 - 60)
})

test('a box with a damaged identity goes on collecting, says so, and leaves the file as it is', async () => {
  await mkdir(join(stateDir, 'identity'))
  await mkdir(join(stateDir, 'configuration'))
  await writeFile(join(stateDir, 'identity', 'identity.json'), '{')
  const kept = { id: 'x', eTag: '1', ...fromApps }
  await writeFile(join(stateDir, 'configuration', 'dsc.json'), JSON.stringify(kept))
  const { boarding } = await hub.createAgent('damaged', 'SHARED_SECRET')

  await using agent = await startAgent()
  await agent.offer('apps/press/temp', Buffer.from('21.5'))
  expect(await run(agent.operations, 'agent.status', {})).toMatchObject({
    identity: { state: 'needs-onboarding', reason: expect.stringContaining('cannot be read') },
    outbox: { readings: 1 },
  })
  await expect(run(agent.operations, 'identity.onboard', { boarding })).rejects.toMatchObject({
    code: 'identity_unreadable',
  })
  expect(await readFile(join(stateDir, 'identity', 'identity.json'), 'utf8')).toBe('{')
})

test('a boarding file on a stick is offered without its token, and onboards the box once it is confirmed', async () => {
  const { id, boarding } = await hub.createAgent('by stick', 'SHARED_SECRET')
  const path = join(stateDir, 'media', 'stick', 'edgeward-boarding.json')
  await mkdir(join(stateDir, 'media', 'stick'), { recursive: true })
  await writeFile(path, JSON.stringify(boarding))
  await using agent = await startAgent(silent, { stickDir: join(stateDir, 'media') })
  const { tenant } = boarding.content
  await expect
    .poll(() => statusOf(agent))
    .toMatchObject({ identity: { state: 'unboarded', offer: { path, tenant, agentId: id, hub: hub.http } } })
  expect(JSON.stringify(await statusOf(agent))).not.toContain(boarding.content.iat)

  expect(await run(agent.operations, 'identity.confirm', {})).toMatchObject({ agentId: id, kept: false })
  const { identity } = await statusOf(agent)
  expect(identity).toMatchObject({ state: 'onboarded', agentId: id })
  expect(identity.offer).toBeUndefined()
})

/** Resolves when the box measures what is published, and has stored this. */
async function measured(agent: Agent, value: string): Promise<void> {
  let stored: Promise<void> | undefined
  const publish = () => {
    stored = agent.offer('apps/press/temp', Buffer.from(value))
    return stored !== undefined
  }
  await expect.poll(publish, { timeout: 10_000 }).toBe(true)
  await stored
}

/** A box that measures for an agent which the hub has offboarded, so that nothing is delivered any more. */
async function withUndelivered(count: number) {
  const { id, boarding } = await hub.createAgent(`former-${++serial}`, 'SHARED_SECRET')
  await hub.ask('agent.configure', { id, configuration: fromApps })
  const agent = await startAgent()
  await run(agent.operations, 'identity.onboard', { boarding })
  await measured(agent, '1')
  await expect.poll(async () => (await statusOf(agent)).outbox.readings, { timeout: 10_000 }).toBe(0)
  await hub.ask('agent.offboard', { id })
  await expect.poll(async () => (await statusOf(agent)).uplink.state).not.toBe('connected')
  for (let n = 0; n < count; n++) await agent.offer('apps/press/temp', Buffer.from('99'))
  return { id, agent }
}

const statusOf = async (agent: Pick<Agent, 'operations'>) =>
  (await run(agent.operations, 'agent.status', {})) as {
    identity: { state: string; agentId?: string; offer?: object }
    uplink: { state: string }
    outbox: { readings: number; epoch: string }
  }

/** What a box that is now `id` measures and delivers. */
async function deliversAs(agent: Agent, id: string): Promise<string> {
  const published = async () => {
    await agent.offer('apps/press/temp', Buffer.from('7'))
    return JSON.stringify(await hub.ask('data.query', { agent: id }))
  }
  await expect.poll(published, { timeout: 10_000 }).toContain('"value":7')
  return published()
}

async function successor() {
  const next = await hub.createAgent(`next-${++serial}`, 'SHARED_SECRET')
  await hub.ask('agent.configure', { id: next.id, configuration: fromApps })
  return next
}

test('a box that becomes another agent keeps the undelivered data of the former, and delivers it nowhere', async () => {
  const { id: former, agent } = await withUndelivered(5)
  await using _agent = agent
  const { epoch } = (await statusOf(agent)).outbox
  const { id, boarding } = await successor()
  await expect(run(agent.operations, 'identity.onboard', { boarding })).rejects.toMatchObject({
    code: 'onboarding_refused',
    cure: expect.stringContaining('--replace'),
  })
  const result = await run(agent.operations, 'identity.onboard', { boarding, replace: true })
  expect(result).toMatchObject({
    agentId: id,
    archived: { readings: 5, directory: expect.stringContaining(former) },
  })
  expect((await statusOf(agent)).outbox.epoch).not.toBe(epoch)
  expect(await deliversAs(agent, id)).not.toContain('"value":99')

  const { directory } = (result as { archived: { directory: string } }).archived
  expect((await readdir(directory)).sort()).toEqual(['dsc.json', 'identity.json', 'outbox.db'])
  const kept = new Database(join(directory, 'outbox.db'), { readonly: true })
  expect(kept.prepare('SELECT sum(readings) AS readings FROM frame').get()).toEqual({ readings: 5 })
  kept.close()
})

test('a box cut between two agents is neither until the data of the former is out of the way', async () => {
  const { agent } = await withUndelivered(3)
  const { id, boarding } = await successor()
  await writeFile(join(stateDir, 'archive'), 'in the way')
  await expect(run(agent.operations, 'identity.onboard', { boarding, replace: true })).rejects.toMatchObject({
    code: 'archive_failed',
  })
  expect(await statusOf(agent)).toMatchObject({
    identity: { state: 'onboarding', agentId: id },
    outbox: { readings: 3 },
  })
  await agent[Symbol.asyncDispose]()

  await rm(join(stateDir, 'archive'))
  await using restarted = await startAgent()
  expect(await deliversAs(restarted, id)).not.toContain('"value":99')
  expect(await statusOf(restarted)).toMatchObject({ identity: { state: 'onboarded', agentId: id } })
})

test('a boarding file that the other hub refuses leaves the box what it was, with its data', async () => {
  const { id, agent } = await withUndelivered(2)
  await using _agent = agent
  const { boarding } = await successor()
  await using elsewhere = await hubInProcess()
  const lost = { ...boarding, content: { ...boarding.content, baseUrl: elsewhere.http } }
  await expect(
    run(agent.operations, 'identity.onboard', { boarding: lost, replace: true }),
  ).rejects.toMatchObject({ code: 'onboarding_refused' })
  expect(await statusOf(agent)).toMatchObject({ identity: { agentId: id }, outbox: { readings: 2 } })
  expect(await readdir(stateDir)).not.toContain('archive')
})

test.for(securityProfiles)('no log of box or hub holds a secret of %s, at any level', async (profile) => {
  let logged = ''
  const log = createLog('trace', {
    write(line) {
      logged += line
    },
  })
  await using loud = await hubInProcess({ log })
  const secrets = new Set<string>()
  const collect = async () => {
    const text = await readFile(join(stateDir, 'identity', 'identity.1.json'), 'utf8')
    for (const [, name, value] of text.matchAll(/"(\w+)":"([^"]{16,})"/g))
      if (/^(secret|iat|registrationToken|d|p|q|dp|dq|qi)$/.test(name as string)) secrets.add(value as string)
  }
  const { id, boarding } = await loud.createAgent('loud', profile)
  secrets.add(boarding.content.iat)
  await using agent = await startAgent(log)
  for (const act of ['identity.onboard', 'identity.rotate', 'identity.rotate']) {
    await run(agent.operations, act, { boarding })
    await collect()
    const { access_token } = (await run(agent.operations, 'identity.token', {})) as { access_token: string }
    secrets.add(access_token)
  }
  await loud.ask('agent.offboard', { id })
  await expect(run(agent.operations, 'identity.rotate', {})).rejects.toMatchObject({ exitCode: 4 })
  await collect()

  expect(secrets.size).toBeGreaterThan(profile === 'RSA_3072' ? 20 : 8)
  expect([...secrets].filter((secret) => logged.includes(secret))).toEqual([])
  for (const event of ['onboarded', 'credential rotated', 'offboarded at the hub', 'onboarding needed'])
    expect(logged).toContain(`"msg":"${event}"`)
})
