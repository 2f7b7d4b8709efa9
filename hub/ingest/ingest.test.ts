import type { IClientOptions } from 'mqtt'
import { expect, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { systemRandom } from '../../core/random.ts'
import { agentTopics, mqttClientId } from '../../protocol/topics.ts'
import { manualClock } from '../../test/manual-clock.ts'
import { openIngest } from './index.ts'
import { batch, closing, connect, epoch, listen, log, refused, start, tenant, topics } from './test-ingest.ts'

test('an agent comes in with its own token, name and client id only', async () => {
  const hub = await start()
  const attempts: IClientOptions[] = [
    { password: 'forged' },
    { password: '' },
    { password: 'two' },
    { username: 'two' },
    { clientId: mqttClientId(tenant, 'two') },
    { clientId: mqttClientId('other', 'one') },
  ]
  for (const attempt of attempts)
    await expect(connect(hub, 'one', attempt), JSON.stringify(attempt)).rejects.toMatchObject({ code: 5 })
  expect(hub.ingest.isOnline('one')).toBe(false)
  await connect(hub)
  expect(hub.ingest.isOnline('one')).toBe(true)
})

test('publishing to anything but the own batch topic closes the connection', async () => {
  const hub = await start()
  const strange = [
    topics.configuration,
    topics.batch.replace('/b', '/x'),
    agentTopics(tenant, 'two').batch,
    'anything',
  ]
  for (const topic of strange) await refused(await connect(hub), topic)
  for (const agentId of ['one', 'two'])
    expect((await hub.store.query({ agentId, limit: 1 })).readings).toEqual([])
})

test('subscribing to anything but the own inbound topics is refused', async () => {
  const client = await connect(await start())
  const strange = [
    '#',
    '+/plant/#',
    topics.outbound,
    agentTopics(tenant, 'two').inbound,
    `$share/g/${topics.inbound}`,
    '$SYS/#',
  ]
  for (const filter of strange)
    await expect(client.subscribeAsync(filter, { qos: 1 }), filter).rejects.toThrow()
  await expect(client.subscribeAsync(topics.ack, { qos: 1 })).resolves.toMatchObject([{ qos: 1 }])
})

test('a will and a session that outlives the connection are not kept', async () => {
  const hub = await start()
  const will = { topic: topics.batch, payload: batch(9), qos: 1 as const, retain: false }
  const first = await connect(hub, 'one', { clean: false, will })
  await first.subscribeAsync(topics.inbound, { qos: 1 })
  first.stream.destroy() // without a DISCONNECT packet
  await closing(first)

  const second = await connect(hub, 'one', { clean: false })
  expect(second).toMatchObject({ connackPacket: { sessionPresent: false } })
  await second.publishAsync(topics.batch, batch(1), { qos: 1 })
  const { readings } = await hub.store.query({ agentId: 'one', limit: 10 })
  expect(readings.map(({ value }) => value)).toEqual([1])
})

test('the connection ends with its access token', async () => {
  const clock = manualClock()
  const hub = await start({ clock })
  const client = await connect(hub)
  const closed = closing(client)
  await clock.advance(3_599_000)
  expect(hub.ingest.isOnline('one')).toBe(true)
  await clock.advance(1_000)
  await closed
  await expect(connect(hub)).rejects.toMatchObject({ code: 5 })
})

test('an agent that is disconnected is offline at once; another stays', async () => {
  const hub = await start()
  const one = await connect(hub, 'one')
  await connect(hub, 'two')
  const closed = closing(one)
  hub.ingest.disconnect('other', 'one')
  expect(hub.ingest.isOnline('one')).toBe(true)
  hub.ingest.disconnect(tenant, 'one')
  await closed
  expect(hub.ingest.isOnline('one')).toBe(false)
  expect(hub.ingest.isOnline('two')).toBe(true)
  expect(hub.ingest.lastSeenAt('one')).toBeTypeOf('number')
})

test('a second connection of an agent ends the first and is the one that counts', async () => {
  const hub = await start()
  const first = await connect(hub)
  const closed = closing(first)
  const second = await connect(hub)
  await closed
  const inbox = await listen(second)
  expect(hub.ingest.isOnline('one')).toBe(true)
  hub.ingest.announceConfiguration(tenant, 'one', '3')
  expect(await inbox.next()).toEqual({ topic: topics.configuration, message: { id: 'one', eTag: '3' } })
})

test('an agent whose messages wait for their commits is not read further, and nothing is lost', async () => {
  const open = Promise.withResolvers<void>()
  const size = 100_000
  let seq = 0
  const commit = async () => {
    await open.promise
    return { epoch, seq: ++seq, count: 1, readings: 0, repeated: 0 }
  }
  const hub = await start({ wrap: (store) => ({ ...store, commit }) })
  const client = await connect(hub)
  const published = Array.from({ length: 150 }, () =>
    client.publishAsync(topics.batch, Buffer.alloc(size), { qos: 1 }),
  )
  let before = -1
  for (let now = 0; now !== before; now = hub.ingest.state().waiting.bytes) {
    before = now
    await systemClock.sleep(200)
  }
  expect(before).toBeGreaterThan(1_000_000)
  expect(before).toBeLessThan(1_500_000)
  await connect(hub, 'two') // others are not held up
  open.resolve()
  await Promise.all(published)
  expect(seq).toBe(150)
  expect(hub.ingest.state().waiting).toEqual({ messages: 0, bytes: 0 })
})

test('a packet larger than a megabyte ends the connection before it is collected', async () => {
  const hub = await start()
  const client = await connect(hub)
  await client.publishAsync(topics.batch, Buffer.alloc(1024 * 1024), { qos: 1 })
  const closed = closing(client)
  client.publish(topics.batch, Buffer.alloc(1024 * 1024 + 2000), { qos: 1 }, () => {})
  await closed
  expect((await hub.store.malformed('one')).count).toBe(1)
})

test('a taken address is named with its setting', async () => {
  const { ingest, store } = await start()
  const listen = ingest.address.replace('mqtt://', '')
  const verify = async () => undefined
  const takes = { takeTimeSeries: async () => {}, takeCommandUpdate: async () => {}, listens() {} }
  const deps = { store, verify, ...takes, clock: systemClock, random: systemRandom, log }
  await expect(openIngest(deps, { listen })).rejects.toMatchObject({
    code: 'address_in_use',
    message: expect.stringContaining('hub.mqtt'),
  })
})
