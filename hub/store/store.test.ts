import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { Invalid } from '../../core/errors.ts'
import type { Reading } from '../../protocol/reading.ts'
import { createSender, reading } from '../test-sender.ts'
import { openReadingStore, type ReadingQuery, type ReadingStore, type StoredReading } from './index.ts'

const epoch = '00000000000000aa'
const receivedAt = 1_800_000_000_000

async function temporaryDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'readings-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  return dir
}

const open = async (dir?: string): Promise<ReadingStore> =>
  openReadingStore(
    { clock: systemClock, log: pino({ level: 'silent' }) },
    { dir: dir ?? (await temporaryDir()) },
  )

const batch = (seq: number, ...readings: Reading[]): Buffer => createSender(epoch).send(seq, ...readings)

async function readAll(store: ReadingStore, query: Omit<ReadingQuery, 'limit'>, limit: number) {
  const pages: StoredReading[][] = []
  let after: string | undefined
  do {
    const page = await store.query({ ...query, limit, ...(after === undefined ? {} : { after }) })
    pages.push(page.readings)
    after = page.next
  } while (after !== undefined)
  return pages
}

test('a batch that comes again changes nothing and says so', async () => {
  await using store = await open()
  const payload = batch(1, reading('a', 1), reading('a', 2))
  const name = { epoch, seq: 1, count: 1 }
  expect(await store.commit('agent', payload, receivedAt)).toEqual({ ...name, readings: 2, repeated: 0 })
  expect(await store.commit('agent', payload, receivedAt)).toEqual({ ...name, readings: 0, repeated: 1 })
  expect((await store.query({ agentId: 'agent', limit: 10 })).readings).toHaveLength(2)
})

test('what was committed is there after a restart', async () => {
  const dir = await temporaryDir()
  {
    await using store = await open(dir)
    await store.commit('agent', batch(1, reading('a', 1)), receivedAt)
  }
  await using store = await open(dir)
  expect(await store.commit('agent', batch(1, reading('a', 1)), receivedAt)).toMatchObject({ repeated: 1 })
  expect((await store.query({ agentId: 'agent', limit: 10 })).readings).toHaveLength(1)
})

test('the same name from two agents is two batches, and neither sees the other', async () => {
  await using store = await open()
  await store.commit('one', batch(1, reading('a', 1)), receivedAt)
  await store.commit('two', batch(1, reading('a', 2)), receivedAt)
  expect((await store.query({ agentId: 'one', limit: 10 })).readings).toMatchObject([{ value: 1 }])
  expect((await store.query({ agentId: 'two', limit: 10 })).readings).toMatchObject([{ value: 2 }])
})

test('each value comes back as what it was', async () => {
  await using store = await open()
  const values = [1, 0.1, -3e300, true, false, 'text', '12', '', null, 2n ** 60n, -(2n ** 63n), 5n]
  const sent = values.map((value, k) => reading('a', k, value))
  await store.commit('agent', batch(1, ...sent), receivedAt)
  const { readings } = await store.query({ agentId: 'agent', limit: 100 })
  expect(readings.map(({ value }) => value)).toEqual([
    ...values.slice(0, 9),
    '1152921504606846976',
    '-9223372036854775808',
    5,
  ])
})

test('quality is kept with its highest bit', async () => {
  await using store = await open()
  await store.commit('agent', batch(1, { ...reading('a', 1, null), quality: 0x80050000 }), receivedAt)
  expect((await store.query({ agentId: 'agent', limit: 1 })).readings).toEqual([
    { pointId: 'a', time: 1, value: null, quality: 0x80050000 },
  ])
})

test('readings of one point and millisecond are all kept, in the order of arrival', async () => {
  await using store = await open()
  await store.commit('agent', batch(1, reading('a', 5, 'first'), reading('a', 5, 'second')), receivedAt)
  await store.commit('agent', batch(2, reading('a', 5, 'second')), receivedAt)
  const { readings } = await store.query({ agentId: 'agent', limit: 10 })
  expect(readings.map(({ value }) => value)).toEqual(['first', 'second', 'second'])
})

test('pages go by time across points, without a gap or a repeat, over long silences', async () => {
  await using store = await open()
  const times = [0, 0, 1, 500, 999, 1000, 60_000, 86_400_000, 86_400_001, 4_000_000_000_000]
  const sent = times.flatMap((time) => [reading('b', time), reading('a', time)])
  await store.commit('agent', batch(1, ...sent.toReversed()), receivedAt)

  const pages = await readAll(store, { agentId: 'agent' }, 3)
  expect(pages.map((page) => page.length)).toEqual([3, 3, 3, 3, 3, 3, 2])
  const all = pages.flat()
  expect(all.map(({ time }) => time)).toEqual(times.flatMap((time) => [time, time]))
  expect(all.filter(({ pointId }) => pointId === 'a')).toHaveLength(times.length)
})

test('a query is limited to a point and to the time since', async () => {
  await using store = await open()
  for (let seq = 0; seq < 5; seq++)
    await store.commit('agent', batch(seq, reading('a', seq), reading('b', seq)), receivedAt)
  const pages = await readAll(store, { agentId: 'agent', pointId: 'b', since: 3 }, 1)
  expect(pages.flat().map(({ pointId, time }) => `${pointId}${time}`)).toEqual(['b3', 'b4'])
  expect(await store.query({ agentId: 'agent', pointId: 'c', limit: 5 })).toEqual({ readings: [] })
})

test('a cursor that no page has given out is Invalid', async () => {
  await using store = await open()
  await expect(store.query({ agentId: 'agent', after: 'nonsense', limit: 1 })).rejects.toThrow(Invalid)
})

test('a batch without a readable body counts as committed and does not come twice', async () => {
  await using store = await open()
  const broken = createSender(epoch).broken(7)
  const name = { epoch, seq: 7, count: 1, readings: 0 }
  expect(await store.commit('agent', broken, receivedAt)).toEqual({
    ...name,
    repeated: 0,
    malformed: expect.stringContaining('inflate'),
  })
  expect(await store.commit('agent', broken, receivedAt)).toEqual({ ...name, repeated: 1 })
})

test('a payload without a header is Invalid and spoils nothing that was committed with it', async () => {
  await using store = await open()
  const results = await Promise.allSettled([
    store.commit('agent', batch(1, reading('a', 1)), receivedAt),
    store.commit('agent', Buffer.from('garbage'), receivedAt),
    store.commit('agent', batch(2, reading('a', 2)), receivedAt),
  ])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(results[1]).toMatchObject({ reason: { code: 'invalid' } })
  expect((await store.query({ agentId: 'agent', limit: 10 })).readings).toHaveLength(2)
})

test('a removed agent leaves nothing behind', async () => {
  await using store = await open()
  const payload = batch(1, reading('a', 1))
  await store.commit('agent', payload, receivedAt)
  await store.commit('other', payload, receivedAt)
  await store.removeAgent('agent')
  expect(await store.query({ agentId: 'agent', limit: 10 })).toEqual({ readings: [] })
  expect((await store.query({ agentId: 'other', limit: 10 })).readings).toHaveLength(1)
  expect(await store.commit('agent', payload, receivedAt)).toMatchObject({ repeated: 0 })
})
