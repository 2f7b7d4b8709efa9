import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import { expect, test } from 'vitest'
import { createSender, reading } from '../hub/test-sender.ts'
import { agentTopics, mqttClientId } from '../protocol/topics.ts'
import { createAgent, edgeward, eventually, readings, startHub, tempDir } from './harness.ts'

test('garbage from an agent is kept aside and counted; connection, store and other agents are unharmed', async () => {
  await using dir = await tempDir()
  await using hub = await startHub(join(dir.path, 'hub'))
  const { tenant } = await hub.operate<{ tenant: string }>('init')
  const agent = await createAgent(hub, 'noisy', 'SHARED_SECRET')
  const box = ['--state-dir', join(dir.path, 'box')]
  await edgeward(['onboard', ...box], { input: JSON.stringify(agent.boarding) })
  const token = (await edgeward(['token', ...box])).stdout.trim()

  const client = await connectAsync(hub.addresses.mqtt, {
    clientId: mqttClientId(tenant, agent.id),
    username: agent.id,
    password: token,
    reconnectPeriod: 0,
  })
  const topics = agentTopics(tenant, agent.id)
  const acknowledged: unknown[] = []
  client.on('message', (_topic, payload) => acknowledged.push(...JSON.parse(payload.toString()).ranges))
  await client.subscribeAsync(topics.inbound, { qos: 1 })
  const sender = createSender('0123456789abcdef')
  const whole = (seq: number) => sender.send(seq, reading('a', 1e12, seq))
  await client.publishAsync(topics.batch, 'garbage', { qos: 1 })
  await client.publishAsync(topics.batch, sender.broken(1), { qos: 1 })
  await client.publishAsync(topics.batch, whole(2), { qos: 1 })
  await eventually('both named batches acknowledged', async () => acknowledged.flat().includes(2))
  expect(client.connected).toBe(true)
  expect(await readings(hub, agent.id)).toMatchObject([{ pointId: 'a', value: 2 }])
  expect(await hub.operate('agent.show', { id: agent.id })).toMatchObject({ malformedBatches: 2 })

  const other = await createAgent(hub, 'quiet')
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
  client.publish(agentTopics(tenant, other.id).batch, whole(3), { qos: 1 })
  await closed
  expect(await readings(hub, other.id)).toEqual([])
})
