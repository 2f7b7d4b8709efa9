import { expect, test } from 'vitest'
import { manualClock } from '../../test/manual-clock.ts'
import { all, append, copyOf, open, readings, runsOf, storedValues, temporaryDir } from './test-setting.ts'

test('what a crash took is a row of its epoch, from when it was last known to live; a clean end is none', async () => {
  const dir = await temporaryDir()
  const running = await open(dir)
  await append(running, readings(2))
  const { epoch } = await running.stats()
  const copy = await copyOf(dir)
  await running[Symbol.asyncDispose]()
  {
    await using clean = await open(dir)
    expect(await clean.pendingGaps(10)).toBeUndefined()
  }
  await using crashed = await open(copy)
  const { rows } = (await crashed.pendingGaps(10)) ?? { rows: [] }
  expect(rows).toMatchObject([{ id: 1, epoch, reason: 'crash' }])
  expect(rows[0]).not.toHaveProperty('source')
  expect(rows[0]).not.toHaveProperty('count')
  expect(rows[0]?.until).toBeGreaterThanOrEqual(rows[0]?.since ?? Number.POSITIVE_INFINITY)
  expect(await storedValues(crashed)).toEqual([0, 1])
})

test('counts without numbers grow one row until it is given out; then the next begins', async () => {
  const dir = await temporaryDir()
  const before = await (async () => {
    await using outbox = await open(dir)
    outbox.lose('s', 'deadband', 3)
    outbox.lose('s', 'deadband', 4)
    outbox.lose('s', 'rate', 1)
    expect(await outbox.stats()).toMatchObject({
      lost: { deadband: 7, rate: 1 },
      sources: [{ source: 's', produced: 8, delivered: 0, waiting: 0, lost: { deadband: 7, rate: 1 } }],
    })
    await append(outbox, readings(1))
    outbox.lose('s', 'deadband', 5) // after the minute's row, so it waits until the end
    return (await outbox.stats()).epoch
  })()
  await using outbox = await open(dir)
  const report = await outbox.pendingGaps(10)
  expect(report?.rows).toMatchObject([
    { epoch: before, source: 's', reason: 'deadband', count: 12 },
    { epoch: before, source: 's', reason: 'rate', count: 1 },
  ])
  expect(await outbox.pendingGaps(10)).toEqual(report)
  const { ledger } = report as { ledger: string }
  await outbox.acknowledgeGaps('0000000000000000', [[1, 100]])
  expect(await outbox.pendingGaps(10)).toEqual(report)
  await outbox.acknowledgeGaps(ledger, [[1, 1]])
  expect((await outbox.pendingGaps(10))?.rows.map(({ id }) => id)).toEqual([2])
  expect((await outbox.gaps({ limit: 1 })).map(({ id }) => id)).toEqual([2])
  expect((await outbox.gaps({ before: 2, limit: 5 })).map(({ id }) => id)).toEqual([1])
})

test('what the far side rejects is gone, with its numbers in the ledger, and parts a frame of many batches', async () => {
  const dir = await temporaryDir()
  await using outbox = await open(dir)
  for (let k = 0; k < 5; k++) await append(outbox, readings(2, 2 * k))
  const { epoch } = await outbox.stats()
  await outbox.reject(epoch, [[2, 3]])
  await outbox.reject(epoch, [[2, 3]])
  expect((await all(outbox)).map(({ seq, count }) => [seq, count])).toEqual([
    [1, 1],
    [4, 2],
  ])
  expect((await outbox.pendingGaps(10))?.rows).toMatchObject([
    { epoch, source: 's', first: 3, last: 6, count: 4, reason: 'rejected' },
  ])
  expect((await outbox.stats()).sources).toEqual([
    { source: 's', produced: 10, delivered: 0, waiting: 6, lost: { rejected: 4 } },
  ])
})

test.each([
  ['by the configuration', 60_000, undefined],
  ['by a rule', undefined, 60_000],
  ['by the shorter of both', 10_000_000, 60_000],
])('only a proven time makes batches old, %s', async (_by, configured, ruled) => {
  const clock = manualClock()
  const config = { commitIntervalMs: 0, ...(configured === undefined ? {} : { maxAgeMs: configured }) }
  await using outbox = await open(await temporaryDir(), config, { clock })
  outbox.keepFor(ruled)
  const keep = async (value: number) => {
    const appended = append(outbox, readings(1, value))
    await clock.advance(0)
    await appended
  }
  const settle = async () => {
    await clock.advance(10_000)
    await outbox.stats()
  }
  await keep(1)
  await clock.advance(100_000)
  await settle()
  expect(await storedValues(outbox)).toEqual([1])

  await outbox.prove({ monotonic: clock.monotonic(), time: clock.now(), errorMs: 1 })
  await keep(2)
  await settle()
  await clock.advance(100_000)
  await keep(3)
  for (let k = 0; k < 3; k++) await settle()
  expect(await storedValues(outbox)).toEqual([1, 3])
  const { epoch } = await outbox.stats()
  expect((await outbox.pendingGaps(10))?.rows).toMatchObject([
    { epoch, source: 's', first: 2, last: 2, count: 1, reason: 'age' },
  ])
})

test('the texts of sources and points are told with the batches that use them', async () => {
  await using outbox = await open(await temporaryDir())
  await append(outbox, readings(1), 'a')
  await append(outbox, readings(1), 'b')
  const apart = await outbox.pending({ after: 0, limit: 10, maxBytes: 1 })
  expect(apart.map(({ names }) => names.map(([, text]) => text).sort())).toEqual([
    ['a', 'p'],
    ['b', 'p'],
  ])
  expect(apart.flatMap(runsOf).flat()).toHaveLength(2)
})
