import { connectAsync, type MqttClient } from 'mqtt'
import { expect, test } from 'vitest'
import {
  agentStatus,
  createAgent,
  eventually,
  joinPlant,
  plant,
  readings,
  sameAddresses,
  startGateway,
  startHub,
  tempDir,
} from './harness.ts'

const connect = (broker: string, { id, secret }: { id: string; secret: string }) =>
  connectAsync(broker, { username: id, password: secret, clientId: 'test', reconnectPeriod: 0 })

/** One after the other, but not each after the commit of the one before. */
const publish = (client: MqttClient, ...payloads: string[]) =>
  Promise.all(payloads.map((payload) => client.publishAsync('apps/press/m', payload, { qos: 1 })))

test('with the hub unreachable at its first start, the daemon collects, and delivers when it comes', async () => {
  await using dir = await tempDir()
  let hub = await startHub(`${dir.path}/hub`)
  await hub.operate('init')
  const agent = await createAgent(hub, 'box')
  const addresses = sameAddresses(hub)
  await hub.stop()

  await using gateway = await startGateway(`${dir.path}/box`)
  await expect(gateway.operate('identity.onboard', { boarding: agent.boarding })).rejects.toMatchObject({
    exitCode: 5,
    message: expect.stringContaining('cannot be reached'),
  })
  expect((await agentStatus(gateway)).identity.state).toBe('onboarding')

  hub = await startHub(`${dir.path}/hub`, addresses)
  await using _hub = hub
  await hub.operate('agent.configure', {
    id: agent.id,
    configuration: {
      configurationId: 'c1',
      dataSources: [
        {
          name: 'self',
          customData: { protocol: 'system', interval: '200ms' },
          dataPoints: [
            { id: 'load', name: 'load', type: 'DOUBLE', unit: '', customData: { metric: 'load.1' } },
          ],
        },
      ],
    },
  })
  await eventually(
    'readings of the box at the hub',
    async () => (await readings(hub, agent.id, 'load')).length > 3,
  )
})

test('a restart without a network keeps collecting what was configured, and all of it arrives once', async () => {
  await using dir = await tempDir()
  let hub = await startHub(`${dir.path}/hub`)
  await hub.operate('init')
  const agent = await createAgent(hub, 'box', 'SHARED_SECRET')
  const app = await (async () => {
    await using gateway = await startGateway(`${dir.path}/box`)
    return await joinPlant(gateway, hub, agent)
  })()
  await hub.stop()

  await using gateway = await startGateway(`${dir.path}/box`)
  const client = await connect(gateway.addresses.mqtt, app)
  await publish(client, ...Array.from({ length: 40 }, (_, k) => JSON.stringify({ n: k + 1, x: (k + 1) / 4 })))
  await client.endAsync()
  await eventually('all waits', async () => (await agentStatus(gateway)).outbox.readings === 80)

  hub = await startHub(`${dir.path}/hub`, sameAddresses(hub))
  await using _hub = hub
  await eventually('everything delivered', async () => (await agentStatus(gateway)).outbox.readings === 0)
  const counts = (await readings(hub, agent.id, 'n')).map(({ value }) => value)
  expect(counts.sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 40 }, (_, k) => k + 1))
})

test('a value that does not fit is a Bad reading with a counted reason; malformed payloads harm nothing', async () => {
  await using dir = await tempDir()
  await using hub = await startHub(`${dir.path}/hub`)
  await hub.operate('init')
  const agent = await createAgent(hub, 'box')
  await using gateway = await startGateway(`${dir.path}/box`)
  const client = await connect(gateway.addresses.mqtt, await joinPlant(gateway, hub, agent))
  const payloads = [
    '{"n":1,"x":1.5}',
    '{"n":"many","x":2}',
    '{"n":1.5,"x":3}',
    'not json',
    '',
    '{"x":4}',
    '{"n":9007199254740993,"x":5}',
  ]
  await publish(client, ...payloads)
  await client.endAsync()

  await eventually(
    'all readings at the hub',
    async () => (await readings(hub, agent.id)).length === 2 * payloads.length,
  )
  const counts = await readings(hub, agent.id, 'n')
  expect(
    counts
      .filter(({ quality }) => quality === 0)
      .map(({ value }) => String(value))
      .sort(),
  ).toEqual(['1', '9007199254740993'])
  expect(counts.filter(({ quality }) => quality >= 0x80000000).every(({ value }) => value === null)).toBe(
    true,
  )
  const [source] = (await agentStatus(gateway)).sources
  const bad = Object.values(source?.bad ?? {}).reduce((sum, count) => sum + count, 0)
  expect(bad).toBe(5 + 2) // five counts; two levels of the payloads that are not JSON
})

test('a new configuration is applied without a restart, a bad one is refused and shown', async () => {
  await using dir = await tempDir()
  await using hub = await startHub(`${dir.path}/hub`)
  await hub.operate('init')
  const agent = await createAgent(hub, 'box')
  await using gateway = await startGateway(`${dir.path}/box`)
  const app = await joinPlant(gateway, hub, agent)

  const bad = plant('press', 'plant-bad')
  ;(bad.dataSources[0] as { customData: object }).customData = { protocol: 'telepathy' }
  await hub.operate('agent.configure', { id: agent.id, configuration: bad })
  await eventually(
    'the fault shown',
    async () => ((await agentStatus(gateway)).configuration.faults ?? []).length > 0,
  )
  const { configuration } = await agentStatus(gateway)
  expect(configuration.configurationId).toBe('plant-1')
  expect(configuration.faults?.join()).toContain('telepathy')

  const moved = plant('press', 'plant-2')
  for (const point of moved.dataSources[0]?.dataPoints ?? [])
    point.customData = { ...point.customData, topic: 'apps/press/moved' }
  await hub.operate('agent.configure', { id: agent.id, configuration: moved })
  await eventually(
    'the new one in force',
    async () => (await agentStatus(gateway)).configuration.configurationId === 'plant-2',
  )
  const client = await connect(gateway.addresses.mqtt, app)
  await client.publishAsync('apps/press/moved', '{"n":7,"x":7}', { qos: 1 })
  await client.endAsync()
  await eventually(
    'a reading by the new topic',
    async () => (await readings(hub, agent.id, 'n')).length === 1,
  )
})

test('credentials rotate on their schedule and the uplink goes on', async () => {
  await using dir = await tempDir()
  await using hub = await startHub(`${dir.path}/hub`, { EDGEWARD_HUB_CREDENTIAL_LIFETIME: '6s' })
  await hub.operate('init')
  const rotating = (['RSA_3072', 'SHARED_SECRET'] as const).map(async (profile) => {
    const agent = await createAgent(hub, profile, profile)
    await using gateway = await startGateway(`${dir.path}/${profile}`)
    await gateway.operate('identity.onboard', { boarding: agent.boarding })
    const seen = new Set<string | undefined>()
    await eventually('three credentials', async () => {
      seen.add((await agentStatus(gateway)).identity.credential)
      return seen.size >= 3
    })
  })
  await Promise.all(rotating)
})

test('an agent that the hub offboards says so and can be taken in again with its data', async () => {
  await using dir = await tempDir()
  await using hub = await startHub(`${dir.path}/hub`)
  await hub.operate('init')
  const agent = await createAgent(hub, 'box')
  await using gateway = await startGateway(`${dir.path}/box`)
  const app = await joinPlant(gateway, hub, agent)
  await hub.operate('agent.offboard', { id: agent.id })
  await eventually(
    'needs onboarding',
    async () => (await agentStatus(gateway)).identity.state === 'needs-onboarding',
  )

  const client = await connect(gateway.addresses.mqtt, app)
  await publish(client, ...[1, 2, 3, 4, 5].map((n) => JSON.stringify({ n, x: 1 })))
  await client.endAsync()

  const { boarding } = await hub.operate<{ boarding: object }>('agent.boarding', { id: agent.id })
  await gateway.operate('identity.onboard', { boarding })
  await eventually('what was kept arrives', async () => (await readings(hub, agent.id, 'n')).length === 5)
})
