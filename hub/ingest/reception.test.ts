import { expect, test } from 'vitest'
import { Invalid } from '../../core/errors.ts'
import { createSender, reading } from '../test-sender.ts'
import { batch, closing, connect, epoch, listen, refused, start, topics } from './test-ingest.ts'

test('a batch is committed before its PUBACK, then acknowledged by name', async () => {
  const hub = await start()
  const client = await connect(hub)
  const inbox = await listen(client)
  await client.publishAsync(topics.batch, batch(1), { qos: 1 })
  expect((await hub.store.query({ agentId: 'one', limit: 10 })).readings).toHaveLength(1)
  expect(await inbox.next()).toEqual({
    topic: topics.ack,
    message: { epoch, ranges: [[1, 1]], time: expect.any(Number) },
  })
})

test('batches that were sent together are all acknowledged, and what comes again once more', async () => {
  const hub = await start()
  const client = await connect(hub)
  const inbox = await listen(client)
  for (const seq of [1, 2, 3, 5, 2]) client.publish(topics.batch, batch(seq), { qos: 1 })
  const acknowledged = new Set<number>()
  while (acknowledged.size < 4) {
    const { ranges } = (await inbox.next()).message as { ranges: [number, number][] }
    for (const [from, to] of ranges) for (let seq = from; seq <= to; seq++) acknowledged.add(seq)
  }
  expect([...acknowledged].sort()).toEqual([1, 2, 3, 5])

  await client.publishAsync(topics.batch, batch(5), { qos: 1 })
  expect((await inbox.next()).message).toMatchObject({ ranges: [[5, 5]] })
  expect((await hub.store.query({ agentId: 'one', limit: 10 })).readings).toHaveLength(4)
})

test('a batch that the store cannot commit is not acknowledged, and the connection ends', async () => {
  const hub = await start({
    wrap: (store) => ({ ...store, commit: () => Promise.reject(new Error('disk full')) }),
  })
  const client = await connect(hub)
  await refused(client, topics.batch)
})

test('a message that is no batch is dropped without harm to what follows', async () => {
  const hub = await start()
  const client = await connect(hub)
  const inbox = await listen(client)
  await client.publishAsync(topics.batch, 'garbage', { qos: 1 })
  await client.publishAsync(topics.batch, batch(1), { qos: 1 })
  expect((await inbox.next()).message).toMatchObject({ ranges: [[1, 1]] })
})

test('overlapping messages store each batch once, and all of theirs are acknowledged', async () => {
  const hub = await start()
  const client = await connect(hub)
  const inbox = await listen(client)
  const sender = createSender(epoch)
  for (let seq = 1; seq <= 6; seq++)
    sender.batch(seq, { line: [reading('p', seq)], press: [reading('q', seq)] })
  for (const [from, to] of [
    [1, 3],
    [2, 5],
    [1, 6],
  ] as const) {
    await client.publishAsync(topics.batch, sender.message(from, to), { qos: 1 })
    expect((await inbox.next()).message).toMatchObject({ epoch, ranges: [[from, to]] })
  }
  const { readings } = await hub.store.query({ agentId: 'one', limit: 100 })
  expect(readings.filter(({ pointId }) => pointId === 'p').map(({ value }) => value)).toEqual([
    1, 2, 3, 4, 5, 6,
  ])
  expect(hub.ingest.state()).toMatchObject({ batches: 6, repeats: 7, readings: 12, malformed: 0 })
})

test('rows of a loss ledger are kept before they are acknowledged, by ledger and id', async () => {
  const hub = await start()
  const client = await connect(hub)
  const inbox = await listen(client)
  const row = { epoch, source: 'line', reason: 'deadband', since: 1, until: 2 }
  const report = { ledger: '00000000000000bb', rows: [4, 5, 7].map((id) => ({ ...row, id, count: id })) }
  for (let time = 0; time < 2; time++) {
    await client.publishAsync(topics.gap, JSON.stringify(report), { qos: 1 })
    expect(await inbox.next()).toEqual({
      topic: topics.ack,
      message: {
        ledger: report.ledger,
        ranges: [
          [4, 5],
          [7, 7],
        ],
        time: expect.any(Number),
      },
    })
    expect(await hub.store.gaps({ agentId: 'one', limit: 10 })).toHaveLength(3)
  }
  expect(hub.ingest.state().lost.get('deadband')).toBe(16)
})

test('the newest report of an agent is kept', async () => {
  const hub = await start()
  const client = await connect(hub)
  const report = (time: number) => ({
    time,
    release: '1',
    outbox: { readings: 5, bytes: 6, lost: { quota: 7 } },
    sources: [],
    alarms: [],
  })
  for (const time of [1, 2])
    await client.publishAsync(topics.status, JSON.stringify(report(time)), { qos: 1 })
  expect((await hub.store.report('one'))?.report).toEqual(report(2))
  expect(await hub.store.report('two')).toBeUndefined()
})

test('what is not what its topic is for is kept aside and acknowledged', async () => {
  const takeTimeSeries = async () => Promise.reject(new Invalid('no time series'))
  const hub = await start({ takeTimeSeries })
  const client = await connect(hub)
  for (const topic of [topics.gap, topics.status, topics.timeSeries])
    await client.publishAsync(topic, '{"no":1}', { qos: 1 })
  expect(await hub.store.malformed('one')).toMatchObject({ count: 3, lastReason: 'no time series' })
  expect(hub.ingest.state().malformed).toBe(3)
})

test('time series of an agent are handed on under its own name', async () => {
  const taken: string[] = []
  const hub = await start({
    takeTimeSeries: async (agent, payload) => void taken.push(`${agent} ${payload}`),
  })
  const client = await connect(hub)
  await client.publishAsync(topics.timeSeries, '{"timeseries":[]}', { qos: 1 })
  expect(taken).toEqual(['one {"timeseries":[]}'])
})

test('a message whose names are not known is not acknowledged, but once they are told', async () => {
  const hub = await start()
  const sender = createSender(epoch)
  const told = sender.send(1, reading('p', 1))
  const first = await connect(hub)
  const closed = closing(first)
  first.publish(topics.batch, sender.message(1, 1, 'untold'), { qos: 1 }, () => {})
  await closed
  expect((await hub.store.query({ agentId: 'one', limit: 1 })).readings).toEqual([])

  const second = await connect(hub)
  const inbox = await listen(second)
  await second.publishAsync(topics.batch, told, { qos: 1 })
  expect((await inbox.next()).message).toMatchObject({ ranges: [[1, 1]] })
  sender.batch(2, { line: [reading('p', 2)] })
  await second.publishAsync(topics.batch, sender.message(2, 2, 'untold'), { qos: 1 })
  expect((await hub.store.query({ agentId: 'one', limit: 9 })).readings).toHaveLength(2)
})
