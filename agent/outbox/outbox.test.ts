import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { statusCode } from '../../protocol/reading.ts'
import { manualClock } from '../../test/manual-clock.ts'
import {
  all,
  append,
  copyOf,
  noise,
  open,
  readings,
  runsOf,
  storedReadings,
  storedValues,
  temporaryDir,
  valuesInCopy,
} from './test-setting.ts'

test('readings of one window become one batch when the interval has passed', async () => {
  const clock = manualClock()
  await using outbox = await open(await temporaryDir(), { commitIntervalMs: 250 }, { clock })
  const told: boolean[] = []
  outbox.onPending((urgent) => told.push(urgent))
  const appended = Promise.all([append(outbox, readings(2)), append(outbox, readings(3, 2))])

  await clock.advance(249)
  expect(await all(outbox)).toEqual([])

  await clock.advance(1)
  await appended
  expect(told).toEqual([false])
  const [message, ...more] = await all(outbox)
  expect(more).toEqual([])
  expect(message).toMatchObject({ seq: 1, count: 1, readings: 5, since: clock.now() - 250 })
  expect(runsOf(message as never)).toEqual([[{ source: 's', first: 1, readings: readings(5) }]])
})

test('a full window does not wait for the interval', async () => {
  const slow = { commitIntervalMs: 3_600_000, commitBytes: 1024 }
  await using outbox = await open(await temporaryDir(), slow, { clock: manualClock() })
  await append(outbox, readings(100))
  expect(await storedValues(outbox)).toHaveLength(100)
})

test('each source numbers its readings within the epoch, across windows', async () => {
  await using outbox = await open(await temporaryDir())
  await append(outbox, readings(2), 'a')
  await Promise.all([append(outbox, readings(1), 'b'), append(outbox, readings(3), 'a')])
  const runs = (await all(outbox)).flatMap(runsOf).flat()
  expect(runs.map(({ source, first }) => [source, first])).toEqual([
    ['a', 1],
    ['b', 1],
    ['a', 3],
  ])
})

test('a large append is split into batches that can travel, in order', async () => {
  await using outbox = await open(await temporaryDir())
  const noisy = noise(12_000)
  await append(outbox, noisy)

  const messages = await all(outbox, 100_000)
  expect(messages.length).toBeGreaterThan(2)
  expect(messages.every(({ body }) => body.length <= 100_000)).toBe(true)
  expect(messages.map(({ seq }) => seq)).toEqual(messages.map((_, k) => k + 1))
  expect(await storedValues(outbox)).toEqual(noisy.map(({ value }) => value))
})

test('batches that follow each other come together, within what was asked for', async () => {
  await using outbox = await open(await temporaryDir())
  for (let k = 0; k < 6; k++) await append(outbox, noise(50, 100 * k))
  const [together] = await outbox.pending({ after: 0, limit: 1, maxBytes: 100_000 })
  expect(together).toMatchObject({ seq: 1, count: 6, readings: 300 })
  const apart = await outbox.pending({ after: 0, limit: 10, maxBytes: 1 })
  expect(apart.map(({ seq, count }) => [seq, count])).toEqual([1, 2, 3, 4, 5, 6].map((seq) => [seq, 1]))
  const { position } = apart[1] as { position: number }
  const part = await outbox.pending({ after: position, upTo: position + 3, limit: 10, maxBytes: 100_000 })
  expect(part.map(({ seq, count }) => [seq, count])).toEqual([[3, 3]])
})

test('an acknowledged batch is not given again; it is deleted later', async () => {
  const clock = manualClock()
  const dir = await temporaryDir()
  await using outbox = await open(dir, { commitIntervalMs: 0 }, { clock })
  for (let k = 0; k < 3; k++) {
    const appended = append(outbox, readings(1, k))
    await clock.advance(0)
    await appended
  }
  const { epoch } = await outbox.stats()
  expect(await outbox.acknowledge(epoch, [[1, 2]])).toBe(2)
  expect(await outbox.acknowledge(epoch, [[1, 2]])).toBe(0)
  expect(await storedValues(outbox)).toEqual([2])
  expect(await outbox.stats()).toMatchObject({ batches: 1, readings: 1, acknowledged: 2 })
  expect(await valuesInCopy(dir)).toEqual([0, 1, 2])

  await clock.advance(10_000)
  await outbox.stats() // comes behind the deletion in the thread
  // The log may be folded into the file while they are copied one after the other.
  await vi.waitFor(async () => expect(await valuesInCopy(dir)).toEqual([2]), { timeout: 10_000 })
})

test('what is acknowledged in the middle of a message parts the rest', async () => {
  await using outbox = await open(await temporaryDir())
  for (let k = 0; k < 5; k++) await append(outbox, readings(1, k))
  const { epoch } = await outbox.stats()
  await outbox.acknowledge(epoch, [[3, 3]])
  const messages = await all(outbox)
  expect(messages.map(({ seq, count }) => [seq, count])).toEqual([
    [1, 2],
    [4, 2],
  ])
  expect(await storedValues(outbox)).toEqual([0, 1, 3, 4])
})

test('acknowledgements of another epoch or of unknown batches change nothing', async () => {
  await using outbox = await open(await temporaryDir())
  await append(outbox, readings(1))
  const { epoch } = await outbox.stats()
  expect(await outbox.acknowledge('0000000000000000', [[0, 1000]])).toBe(0)
  expect(await outbox.acknowledge(epoch, [[2, Number.MAX_SAFE_INTEGER]])).toBe(0)
  expect(await outbox.stats()).toMatchObject({ batches: 1, readings: 1 })
})

test('after a restart the same bytes, positions and counts are there, and a new epoch begins above', async () => {
  const dir = await temporaryDir()
  const before = await (async () => {
    await using outbox = await open(dir)
    for (let k = 0; k < 4; k++) await append(outbox, readings(2, 2 * k))
    await outbox.acknowledge((await outbox.stats()).epoch, [[2, 2]])
    return all(outbox)
  })()
  await using outbox = await open(dir)
  expect(await all(outbox)).toEqual(before)
  expect(await outbox.stats()).toMatchObject({ batches: 3, readings: 6 })
  await append(outbox, readings(1))
  const last = (await all(outbox)).at(-1)
  expect(last).toMatchObject({ seq: 1, epoch: (await outbox.stats()).epoch })
  expect(last?.epoch).not.toBe(before[0]?.epoch)
  expect(last?.position).toBeGreaterThan(before.at(-1)?.position ?? 0)
  expect(await outbox.acknowledge(before[0]?.epoch ?? '', [[1, 1]])).toBe(2)
})

test('closing commits what waits', async () => {
  const dir = await temporaryDir()
  const outbox = await open(dir, { commitIntervalMs: 3_600_000 }, { clock: manualClock() })
  const appended = append(outbox, readings(3))
  await outbox[Symbol.asyncDispose]()
  await expect(appended).resolves.toBeUndefined()
  await using reopened = await open(dir)
  expect(await storedValues(reopened)).toEqual([0, 1, 2])
  expect(await reopened.pendingGaps(10)).toBeUndefined()
})

test('what was appended and resolved survives a kill at any moment', async () => {
  const dir = await temporaryDir()
  await using outbox = await open(dir)
  const resolved: number[] = []
  for (let k = 0; k < 20; k++) {
    await append(outbox, readings(1, k))
    resolved.push(k)
    if (k % 5 === 4) expect(await valuesInCopy(dir)).toEqual(resolved)
  }
})

const unproven = (time: number, monotonic: number) => ({
  ...{ point: 'p', value: monotonic, quality: 0, time },
  monotonic,
})

test('what was taken with an unproven time is corrected when it is given out, also after a restart', async () => {
  const dir = await temporaryDir()
  {
    await using outbox = await open(dir)
    await append(outbox, [unproven(11, 500), ...readings(1)])
  }
  await using outbox = await open(dir)
  await append(outbox, [unproven(12, 700)])
  await outbox.prove({ monotonic: 1_000, time: 9_000_000, errorMs: 1 })
  expect(await storedReadings(outbox)).toEqual([
    { point: 'p', value: 500, quality: 0, time: 8_999_500 },
    ...readings(1),
    { point: 'p', value: 700, quality: 0, time: 8_999_700 },
  ])
})

test('readings that were given out never change, whatever is learnt of the time', async () => {
  const dir = await temporaryDir()
  const before = await (async () => {
    await using outbox = await open(dir)
    await append(outbox, [unproven(11, 500)])
    return all(outbox)
  })()
  await using outbox = await open(dir)
  await outbox.prove({ monotonic: 1_000, time: 9_000_000, errorMs: 1 })
  expect(await all(outbox)).toEqual(before)
  expect(await storedReadings(outbox)).toEqual([{ ...unproven(11, 500), quality: statusCode.uncertain }])
})

test('a batch that cannot be corrected stops nobody: it is given out as it is', async () => {
  await using outbox = await open(await temporaryDir())
  await append(outbox, [{ point: 'p', value: 1, quality: 0, time: 0.5, monotonic: 1 }])
  await append(outbox, readings(1))
  const messages = await all(outbox)
  expect(messages.map(({ seq, count }) => [seq, count])).toEqual([
    [1, 1],
    [2, 1],
  ])
})

test('a later start of the box corrects what its proof was kept for, and calls the rest Uncertain', async () => {
  const dir = await temporaryDir()
  {
    await using proven = await open(dir, { boot: 'proven' })
    await append(proven, [unproven(11, 500)])
    await proven.prove({ monotonic: 1_000, time: 9_000_000, errorMs: 1 })
  }
  {
    await using never = await open(dir, { boot: 'never' })
    await append(never, [unproven(12, 500)])
  }
  await using outbox = await open(dir, { boot: 'later' })
  await outbox.prove({ monotonic: 3_000, time: 99_000_000, errorMs: 1 })
  expect((await storedReadings(outbox)).map(({ time, quality }) => ({ time, quality }))).toEqual([
    { time: 8_999_500, quality: 0 },
    { time: 12, quality: statusCode.uncertain },
  ])
})

test('what is set aside stays in its file, and what comes meanwhile and later begins a new epoch', async () => {
  const dir = await temporaryDir()
  const aside = join(dir, 'aside.db')
  const former = await (async () => {
    await using outbox = await open(dir)
    await append(outbox, readings(3))
    const { epoch } = await outbox.stats()
    const moving = outbox.setAside(aside)
    await Promise.all([moving, append(outbox, readings(2, 10)), outbox.stats()])
    await append(outbox, readings(1, 20))
    await outbox.setAside(aside) // as after a power cut before the move was noted
    expect((await outbox.stats()).epoch).not.toBe(epoch)
    expect(await storedValues(outbox)).toContain(20)
    expect(await storedValues(outbox)).not.toContain(0)
    return epoch
  })()
  await using kept = await open(dir, { path: aside })
  const [first] = await all(kept)
  expect(first?.epoch).toBe(former)
  expect(await storedValues(kept)).toEqual(expect.arrayContaining([0, 1, 2]))
  expect(await storedValues(kept)).not.toContain(20)
  expect(await kept.pendingGaps(10)).toBeUndefined()
})

test('an outbox that cannot be set aside goes on in the file that it has', async () => {
  const dir = await temporaryDir()
  await using outbox = await open(dir)
  await append(outbox, readings(2))
  await expect(outbox.setAside(join(dir, 'no such folder', 'aside.db'))).rejects.toThrow()
  await append(outbox, readings(1, 2))
  expect(await storedValues(outbox)).toEqual([0, 1, 2])
})

test('an old backlog of small batches is put together without a change to it', async () => {
  const clock = manualClock()
  const dir = await temporaryDir()
  await using outbox = await open(dir, { commitIntervalMs: 0 }, { clock })
  for (let k = 0; k < 40; k++) {
    const appended = append(outbox, noise(30, 30 * k))
    await clock.advance(0)
    await appended
  }
  const apart = await outbox.pending({ after: 0, limit: 100, maxBytes: 1 })
  await clock.advance(400_000)
  await expect
    .poll(async () => {
      await clock.advance(10_000)
      return rowsIn(await copyOf(dir))
    })
    .toBeLessThan(5)
  const copy = await copyOf(dir)
  expect(await outbox.pending({ after: 0, limit: 100, maxBytes: 1 })).toEqual(apart)
  await using reopened = await open(copy)
  expect(await reopened.stats()).toMatchObject({ batches: 40, readings: 1200 })
  const { epoch } = apart[0] as { epoch: string }
  await reopened.acknowledge(epoch, [[2, 38]])
  expect((await all(reopened)).map(({ seq, count }) => [seq, count])).toEqual([
    [1, 1],
    [39, 2],
  ])
})

async function rowsIn(dir: string): Promise<number> {
  const { default: Database } = await import('better-sqlite3')
  const db = new Database(join(dir, 'outbox.db'))
  try {
    return db.prepare<[], { rows: number }>('SELECT count(*) AS rows FROM frame').get()?.rows ?? 0
  } finally {
    db.close()
  }
}
