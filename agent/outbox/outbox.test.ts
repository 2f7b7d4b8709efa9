import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { systemRandom } from '../../core/random.ts'
import { decodeBatch } from '../../protocol/batch.ts'
import { type Reading, statusCode } from '../../protocol/reading.ts'
import { manualClock } from '../../test/manual-clock.ts'
import { type Outbox, type OutboxConfig, openOutbox } from './index.ts'

const log = pino({ level: 'silent' })

async function temporaryDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'outbox-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  return dir
}

const open = (dir: string, config: Partial<OutboxConfig> = {}, clock = systemClock): Promise<Outbox> =>
  openOutbox(
    { clock, random: systemRandom, log },
    { path: join(dir, 'outbox.db'), boot: 'boot-1', commitIntervalMs: 1, commitBytes: 65_536, ...config },
  )

const readings = (count: number, from = 0): Reading[] =>
  Array.from({ length: count }, (_, k) => ({
    point: 'p',
    value: from + k,
    quality: 0,
    time: 1000 + from + k,
  }))

/** Values that deflate badly. */
const noise = (count: number): Reading[] =>
  readings(count).map((reading) => ({ ...reading, value: Math.sin(Number(reading.value)) }))

async function storedValues(outbox: Outbox): Promise<unknown[]> {
  const batches = await outbox.pending(0, 10_000)
  return batches.flatMap(({ payload }) =>
    decodeBatch(Buffer.from(payload)).readings.map(({ value }) => value),
  )
}

test('readings of one window become one batch when the interval has passed', async () => {
  const clock = manualClock()
  await using outbox = await open(await temporaryDir(), { commitIntervalMs: 250 }, clock)
  let commits = 0
  outbox.onCommit(() => commits++)
  const appended = Promise.all([outbox.append(readings(2)), outbox.append(readings(3, 2))])

  await clock.advance(249)
  expect(await outbox.pending(0, 10)).toEqual([])

  await clock.advance(1)
  await appended
  expect(commits).toBe(1)
  const [batch, ...more] = await outbox.pending(0, 10)
  expect(more).toEqual([])
  expect(batch?.count).toBe(5)
  expect(decodeBatch(Buffer.from(batch?.payload ?? [])).readings).toEqual(readings(5))
})

test('a full window does not wait for the interval', async () => {
  await using outbox = await open(
    await temporaryDir(),
    { commitIntervalMs: 3_600_000, commitBytes: 1024 },
    manualClock(),
  )
  await outbox.append(readings(100))
  expect(await storedValues(outbox)).toHaveLength(100)
})

test('a large append is split into batches that can travel, in order', async () => {
  await using outbox = await open(await temporaryDir())
  const noisy = noise(12_000)
  await outbox.append(noisy)

  const batches = await outbox.pending(0, 100)
  expect(batches.length).toBeGreaterThan(2)
  expect(batches.every(({ payload }) => payload.length <= 100_000)).toBe(true)
  expect(batches.map(({ seq }) => seq)).toEqual(batches.map((_, k) => k + 1))
  expect(await storedValues(outbox)).toEqual(noisy.map(({ value }) => value))
})

test('pending goes on above the sequence that was asked for, up to the limit', async () => {
  await using outbox = await open(await temporaryDir())
  for (let k = 0; k < 5; k++) await outbox.append(readings(1, k))
  const batches = await outbox.pending(2, 2)
  expect(batches.map(({ seq }) => seq)).toEqual([3, 4])
})

test('an acknowledged batch is not given again; it is deleted later', async () => {
  const clock = manualClock()
  const dir = await temporaryDir()
  await using outbox = await open(dir, { commitIntervalMs: 0 }, clock)
  for (let k = 0; k < 3; k++) {
    const appended = outbox.append(readings(1, k))
    await clock.advance(0)
    await appended
  }
  const { epoch } = await outbox.stats()
  await outbox.acknowledge(epoch, [[1, 2]])
  expect(await storedValues(outbox)).toEqual([2])
  expect(await outbox.stats()).toMatchObject({ batches: 1, readings: 1 })
  expect(await valuesInCopy(dir)).toEqual([0, 1, 2])

  await clock.advance(10_000)
  await outbox.stats() // comes behind the deletion in the thread
  expect(await valuesInCopy(dir)).toEqual([2])
})

test('acknowledgements of another epoch or of unknown batches change nothing', async () => {
  await using outbox = await open(await temporaryDir())
  await outbox.append(readings(1))
  const { epoch } = await outbox.stats()
  await outbox.acknowledge('0000000000000000', [[0, 1000]])
  await outbox.acknowledge(epoch, [[2, Number.MAX_SAFE_INTEGER]])
  expect(await outbox.stats()).toMatchObject({ batches: 1, readings: 1 })
})

test('a sequence number never comes twice, though all batches were acknowledged and deleted', async () => {
  const dir = await temporaryDir()
  const seen: string[] = []
  for (let start = 0; start < 3; start++) {
    await using outbox = await open(dir)
    await outbox.append(readings(1))
    const [batch] = await outbox.pending(0, 10)
    seen.push(`${batch?.epoch}/${batch?.seq}`)
    await outbox.acknowledge(batch?.epoch ?? '', [[0, batch?.seq ?? 0]])
  }
  const epoch = seen[0]?.split('/')[0]
  expect(seen).toEqual([`${epoch}/1`, `${epoch}/2`, `${epoch}/3`])
})

test('after a restart the same bytes and counts are there', async () => {
  const dir = await temporaryDir()
  const before = await (async () => {
    await using outbox = await open(dir)
    for (let k = 0; k < 4; k++) await outbox.append(readings(2, 2 * k))
    await outbox.acknowledge((await outbox.stats()).epoch, [[2, 2]])
    return outbox.pending(0, 10)
  })()
  await using outbox = await open(dir)
  expect(await outbox.pending(0, 10)).toEqual(before)
  expect(await outbox.stats()).toMatchObject({ batches: 3, readings: 6 })
})

test('closing commits what waits', async () => {
  const dir = await temporaryDir()
  const outbox = await open(dir, { commitIntervalMs: 3_600_000 }, manualClock())
  const appended = outbox.append(readings(3))
  await outbox[Symbol.asyncDispose]()
  await expect(appended).resolves.toBeUndefined()
  await using reopened = await open(dir)
  expect(await storedValues(reopened)).toEqual([0, 1, 2])
})

test('what was appended and resolved survives a kill at any moment', async () => {
  const dir = await temporaryDir()
  await using outbox = await open(dir)
  const resolved: number[] = []
  for (let k = 0; k < 20; k++) {
    await outbox.append(readings(1, k))
    resolved.push(k)
    if (k % 5 === 4) expect(await valuesInCopy(dir)).toEqual(resolved)
  }
})

test('a file that is no database is set aside and collecting goes on in a new epoch', async () => {
  const dir = await temporaryDir()
  const oldEpoch = await (async () => {
    await using outbox = await open(dir)
    return (await outbox.stats()).epoch
  })()
  await writeFile(join(dir, 'outbox.db'), 'power cut '.repeat(500))

  await using outbox = await open(dir, {}, { ...systemClock, now: () => 0 })
  await outbox.append(readings(2))
  expect(await storedValues(outbox)).toEqual([0, 1])
  expect((await outbox.stats()).epoch).not.toBe(oldEpoch)
  expect(await readdir(dir)).toContain('outbox.db.corrupt-1970-01-01T00:00:00.000Z')
})

test('a file that breaks while it is in use is set aside and the outbox says that it died', async () => {
  const dir = await temporaryDir()
  {
    await using outbox = await open(dir)
    for (let k = 0; k < 20; k++) await outbox.append(noise(500))
  }
  const path = join(dir, 'outbox.db')
  await using outbox = await open(dir)
  await writeFile(path, Buffer.alloc(200_000, 0xa5), { flag: 'r+' })
  const died = expect(outbox.died).rejects.toMatchObject({ code: 'outbox_corrupt' })
  await expect(outbox.pending(0, 1000)).rejects.toMatchObject({ code: 'outbox_corrupt' })
  await died
  await expect(outbox.append(readings(1))).rejects.toThrow()
  expect((await readdir(dir)).filter((name) => name.startsWith('outbox.db.corrupt-'))).not.toEqual([])
  expect(await readdir(dir)).not.toContain('outbox.db')
})

const unproven = (time: number, monotonic: number): Reading => ({
  ...{ point: 'p', value: monotonic, quality: 0, time },
  monotonic,
})
const storedReadings = async (outbox: Outbox): Promise<Reading[]> =>
  (await outbox.pending(0, 10_000)).flatMap(({ payload }) => decodeBatch(Buffer.from(payload)).readings)

test('what was taken with an unproven time is corrected when it is given out, also after a restart', async () => {
  const dir = await temporaryDir()
  {
    await using outbox = await open(dir)
    await outbox.append([unproven(11, 500), ...readings(1)])
  }
  await using outbox = await open(dir)
  await outbox.append([unproven(12, 700)])
  await outbox.prove({ monotonic: 1_000, time: 9_000_000, errorMs: 1 })
  expect(await storedReadings(outbox)).toEqual([
    { point: 'p', value: 500, quality: 0, time: 8_999_500 },
    ...readings(1),
    { point: 'p', value: 700, quality: 0, time: 8_999_700 },
  ])
})

test('a batch that was given out is never encoded anew, whatever is learnt of the time', async () => {
  const dir = await temporaryDir()
  const before = await (async () => {
    await using outbox = await open(dir)
    await outbox.append([unproven(11, 500)])
    return outbox.pending(0, 10)
  })()
  await using outbox = await open(dir)
  await outbox.prove({ monotonic: 1_000, time: 9_000_000, errorMs: 1 })
  expect(await outbox.pending(0, 10)).toEqual(before)
  expect(await storedReadings(outbox)).toEqual([{ ...unproven(11, 500), quality: statusCode.uncertain }])
})

test('a batch that cannot be corrected stops nobody: it is given out as it is', async () => {
  await using outbox = await open(await temporaryDir())
  const broken = { point: 'p', value: 1, quality: 0, time: 0.5, monotonic: 1 }
  await outbox.append([broken])
  await outbox.append(readings(1))
  expect((await outbox.pending(0, 10)).map(({ seq }) => seq)).toEqual([1, 2])
})

test('a later start of the box corrects what its proof was kept for, and calls the rest Uncertain', async () => {
  const dir = await temporaryDir()
  {
    await using proven = await open(dir, { boot: 'proven' })
    await proven.append([unproven(11, 500)])
    await proven.prove({ monotonic: 1_000, time: 9_000_000, errorMs: 1 })
  }
  {
    await using never = await open(dir, { boot: 'never' })
    await never.append([unproven(12, 500)])
  }
  await using outbox = await open(dir, { boot: 'later' })
  await outbox.prove({ monotonic: 3_000, time: 99_000_000, errorMs: 1 })
  expect((await storedReadings(outbox)).map(({ time, quality }) => ({ time, quality }))).toEqual([
    { time: 8_999_500, quality: 0 },
    { time: 12, quality: statusCode.uncertain },
  ])
})

/** What a process that starts on these files, taken from under the running one, finds. */
async function valuesInCopy(dir: string): Promise<unknown[]> {
  const copy = await temporaryDir()
  await cp(dir, copy, { recursive: true })
  await using outbox = await open(copy)
  return storedValues(outbox)
}

test('what is set aside stays in its file, and what comes meanwhile and later begins a new epoch', async () => {
  const dir = await temporaryDir()
  const aside = join(dir, 'aside.db')
  const former = await (async () => {
    await using outbox = await open(dir)
    await outbox.append(readings(3))
    const { epoch } = await outbox.stats()
    const moving = outbox.setAside(aside)
    await Promise.all([moving, outbox.append(readings(2, 10)), outbox.stats()])
    await outbox.append(readings(1, 20))
    await outbox.setAside(aside) // as after a power cut before the move was noted
    expect((await outbox.stats()).epoch).not.toBe(epoch)
    expect(await storedValues(outbox)).toContain(20)
    expect(await storedValues(outbox)).not.toContain(0)
    return epoch
  })()
  await using kept = await open(dir, { path: aside })
  expect((await kept.stats()).epoch).toBe(former)
  expect(await storedValues(kept)).toEqual(expect.arrayContaining([0, 1, 2]))
  expect(await storedValues(kept)).not.toContain(20)
})

test('an outbox that cannot be set aside goes on in the file that it has', async () => {
  const dir = await temporaryDir()
  await using outbox = await open(dir)
  await outbox.append(readings(2))
  await expect(outbox.setAside(join(dir, 'no such folder', 'aside.db'))).rejects.toThrow()
  await outbox.append(readings(1, 2))
  expect(await storedValues(outbox)).toEqual([0, 1, 2])
})
