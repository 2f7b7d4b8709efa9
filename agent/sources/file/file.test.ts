import { appendFile, copyFile, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { systemClock } from '../../../core/clock.ts'
import { statusCode } from '../../../protocol/reading.ts'
import { manualClock } from '../../../test/manual-clock.ts'
import { planSources } from '../configuration.ts'
import { openMemory } from '../memory.ts'
import type { Sample, SourceContext } from '../source.ts'
import { testContext } from '../test-context.ts'
import { file } from './index.ts'

type Point = [type: string, custom: Record<string, unknown>]
const number: Point[] = [['INT', { group: 'n' }]]
const pattern = '^n=(?<n>\\S*)'

async function place() {
  const dir = await mkdtemp(join(tmpdir(), 'edgeward-file-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  return { dir, path: join(dir, 'app.log'), memory: openMemory(join(dir, 'memory'), 's') }
}

function source(custom: Record<string, unknown>, points: Point[], given: Partial<SourceContext> = {}) {
  const clock = manualClock(5_000)
  const { context, stored, reported } = testContext({ clock, ...given })
  const running = file.create(
    {
      custom,
      points: points.map(([type, at], index) => ({ id: `p${index}`, type: type as 'INT', custom: at })),
    },
    context,
  )
  const stop = new AbortController()
  const ended = running.run(stop.signal).catch(() => {})
  const end = async () => {
    stop.abort()
    await ended
  }
  onTestFinished(end)
  return {
    ...{ clock, stored, reported, end },
    begun: () => vi.waitFor(() => expect(reported.at(-1)).toEqual({ at: 'connected' }), { interval: 5 }),
    /** Looks again and again until so many were read. */
    read: (count: number) =>
      vi.waitFor(
        async () => {
          if (stored.length < count) await clock.advance(1_000)
          expect(stored).toHaveLength(count)
          return stored
        },
        { interval: 5, timeout: 5_000 },
      ),
  }
}

const values = (samples: readonly Sample[]) => samples.map(({ value }) => value)

test('lines that are appended are read, whole ones only, beginning at the end of the file', async () => {
  const { path, memory } = await place()
  await writeFile(path, 'n=1\nn=2\nn=')
  const { begun, read } = source({ path, pattern }, number, { memory })
  await begun()
  await appendFile(path, '3\nn=4\r\nother\nn=5')
  expect(values(await read(1))).toEqual([4])
  await appendFile(path, '6\n')
  expect(values(await read(2))).toEqual([4, 56])
})

test('groups become what the points are, and the line says when', async () => {
  const { path } = await place()
  await writeFile(path, '2026-01-01 00:00:01,5 t=-1.5e1 ok=ON x=a b\nyesterday t=1 ok=2 x=\n')
  const line = '^(?<when>.+?) t=(?<t>\\S+) ok=(?<ok>\\S+) x=(?<x>.*)$'
  const { read } = source({ path, pattern: line, timeGroup: 'when', utcOffset: '+01:00', from: 'start' }, [
    ['DOUBLE', { group: 't' }],
    ['BOOLEAN', { group: 'ok' }],
    ['STRING', { group: 'x' }],
  ])
  const time = Date.UTC(2025, 11, 31, 23, 0, 1, 500)
  const received = expect.any(Number)
  expect(await read(6)).toEqual([
    { point: 'p0', value: -15, quality: 0, time },
    { point: 'p1', value: true, quality: 0, time },
    { point: 'p2', value: 'a b', quality: 0, time },
    { point: 'p0', value: 1, quality: statusCode.uncertain, reason: 'no_source_time', time: received },
    {
      point: 'p1',
      value: null,
      quality: statusCode.badTypeMismatch,
      reason: 'type_mismatch',
      time: received,
    },
    { point: 'p2', value: '', quality: statusCode.uncertain, reason: 'no_source_time', time: received },
  ])
})

test('lines can be JSON', async () => {
  const { path } = await place()
  await writeFile(path, '{"v":1,"t":7}\nno json\n')
  const { read } = source({ path, from: 'start' }, [['INT', { pointer: '/v', timePointer: '/t' }]])
  expect(await read(2)).toMatchObject([
    { value: 1, time: 7 },
    { value: null, reason: 'not_json' },
  ])
})

test('a file that is renamed is read to its end, then the new one; one that is cut off from its start', async () => {
  const { path, dir } = await place()
  await writeFile(path, 'n=1\n')
  const { read } = source({ path, pattern, from: 'start' }, number)
  await read(1)
  await rename(path, join(dir, 'app.log.1'))
  await appendFile(join(dir, 'app.log.1'), 'n=2\nn=3')
  await writeFile(path, 'n=4\n')
  expect(values(await read(4))).toEqual([1, 2, 3, 4])
  await copyFile(path, join(dir, 'app.log.2'))
  await truncate(path)
  await appendFile(path, 'n=50\nn=6\n')
  expect(values(await read(6))).toEqual([1, 2, 3, 4, 50, 6])
})

test('after a restart it goes on where it was, through the files that were renamed meanwhile', async () => {
  const { path, dir, memory } = await place()
  await writeFile(path, 'n=1\nn=2\n')
  const first = source({ path, pattern, from: 'start' }, number, { memory })
  await first.read(2)
  await first.end()
  await appendFile(path, 'n=3\n')
  await rename(path, join(dir, 'app.log.2'))
  await systemClock.sleep(20) // file systems tell times apart by some milliseconds
  await writeFile(join(dir, 'app.log.1'), 'n=4\n')
  await writeFile(path, 'n=5\n')
  const second = source({ path, pattern, from: 'start' }, number, { memory })
  expect(values(await second.read(3))).toEqual([3, 4, 5])
  await second.end()
  const third = source({ path, pattern, from: 'start' }, number, { memory })
  await third.begun()
  await appendFile(path, 'n=6\n')
  expect(values(await third.read(1))).toEqual([6])
})

test('what was written while nobody read is not skipped, and an other path begins anew', async () => {
  const { path, dir, memory } = await place()
  await writeFile(path, 'n=1\n')
  const first = source({ path, pattern }, number, { memory })
  await first.begun()
  await first.end()
  await appendFile(path, 'n=2\n')
  const second = source({ path, pattern }, number, { memory })
  expect(values(await second.read(1))).toEqual([2])
  await second.end()
  const other = join(dir, 'other.log')
  await writeFile(other, 'n=8\n')
  const third = source({ path: other, pattern }, number, { memory })
  await third.begun()
  await appendFile(other, 'n=9\n')
  expect(values(await third.read(1))).toEqual([9])
})

test('lines that were not kept are read again, once, and the position stays behind them', async () => {
  const { path, memory } = await place()
  await writeFile(path, 'n=1\nn=2\n')
  const kept: Sample[] = []
  let fault: Error | undefined = new Error('the outbox is full')
  const storeOrRefuse = async (samples: readonly Sample[]) => {
    if (fault) throw fault
    kept.push(...samples)
  }
  const { clock, end } = source({ path, pattern, from: 'start' }, number, { memory, storeOrRefuse })
  for (let turn = 0; turn < 3; turn++) await clock.advance(30_000)
  await end()
  const before = await memory.read()
  expect(before).toContain('"offset":0')
  fault = undefined
  const again = source({ path, pattern, from: 'start' }, number, { memory, storeOrRefuse })
  await vi.waitFor(() => expect(values(kept)).toEqual([1, 2]))
  await vi.waitFor(async () => expect(await memory.read()).toContain('"offset":8'))
  await again.end()
})

test('the end waits for what is being kept, but not for ever', async () => {
  const { path, memory } = await place()
  await writeFile(path, 'n=1\n')
  const { promise, resolve } = Promise.withResolvers<void>()
  let asked = 0
  const storeOrRefuse = () => {
    asked++
    return promise
  }
  const slow = source({ path, pattern, from: 'start' }, number, { memory, storeOrRefuse })
  await vi.waitFor(() => expect(asked).toBe(1))
  const ended = slow.end()
  await slow.clock.advance(2_000)
  await ended
  expect(await memory.read()).toContain('"offset":0')
  const other = source({ path, pattern, from: 'start' }, number, { memory, storeOrRefuse })
  await vi.waitFor(() => expect(asked).toBe(2))
  const end = other.end()
  resolve()
  await end
  expect(await memory.read()).toContain('"offset":4')
})

test('a line that is too long is left out, the next one is not', async () => {
  const { path } = await place()
  await writeFile(path, `n=1\nn=${'9'.repeat(200_000)}\nn=2\n`)
  const { read } = source({ path, pattern, from: 'start' }, number)
  expect(values(await read(2))).toEqual([1, 2])
})

test('many lines are all read, in their order', async () => {
  const { path } = await place()
  const count = 5_000
  await writeFile(path, Array.from({ length: count }, (_, n) => `n=${n}\n`).join(''))
  const { read } = source({ path, pattern, from: 'start' }, number)
  expect(values(await read(count))).toEqual(Array.from({ length: count }, (_, n) => n))
})

test('a file that is not there is told and makes the points Bad once; it is read when it comes', async () => {
  const { path } = await place()
  const { read, reported, clock, stored } = source({ path, pattern, from: 'start' }, number)
  await vi.waitFor(() => expect(reported.at(-1)).toMatchObject({ at: 'failing', reason: 'no_such_file' }))
  await clock.advance(60_000)
  expect(stored).toMatchObject([{ value: null, reason: 'no_such_file', quality: statusCode.badNotConnected }])
  await writeFile(path, 'n=1\n')
  await vi.waitFor(async () => {
    await clock.advance(30_000)
    expect(stored).toHaveLength(2)
  })
  await rm(path)
  await vi.waitFor(async () => {
    await clock.advance(10_000)
    expect(reported.at(-1)).toMatchObject({ at: 'failing', reason: 'no_such_file' })
  })
  expect(await read(3)).toMatchObject([{}, { value: 1 }, { value: null }])
})

test('a configuration is refused with each of its faults, and from the hub altogether', () => {
  const plan = (customData: object, point: object, origin: 'local' | 'hub' = 'local') => {
    try {
      planSources(
        [
          {
            name: 's',
            customData: { protocol: 'file', ...customData },
            dataPoints: [{ id: 'a', name: 'a', type: 'INT', customData: { ...point } }],
          },
        ],
        { minIntervalMs: 1_000 },
        origin,
      )
      return []
    } catch (error) {
      return (error as { details: string[] }).details.map((line) => line.replace('dataSources[0].', ''))
    }
  }
  expect(plan({ path: '/var/log/x' }, { pointer: '/v' })).toEqual([])
  expect(plan({ path: '/var/log/x' }, { pointer: '/v' }, 'hub')).toEqual([
    expect.stringContaining('sources.d'),
  ])
  expect(plan({ path: '/x', pattern: '(' }, { group: 'a' })[0]).toContain('customData.pattern')
  expect(plan({ path: '/x', pattern: '(?<n>.)', timeGroup: 't' }, { group: 'm' })).toEqual([
    'customData.timeGroup: the pattern has no group "t"; it has n',
    'dataPoints[0].customData.group: the pattern has no group "m"; it has n',
  ])
  expect(plan({ path: '/x', timeUnit: 's', interval: '1ms' }, { group: 'm' })).toHaveLength(3)
})
