import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import { manualClock } from '../../test/manual-clock.ts'
import { openTime } from './index.ts'

const log = pino({ level: 'silent' })
const releasedAt = Date.UTC(2026, 10, 1)
const truth = Date.UTC(2026, 11, 24)
const told = { time: truth, resolutionMs: 0, roundTripMs: 0 }
const minute = 60_000

async function stateFile(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'edgeward-time-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  return join(dir, 'time.json')
}

/** A box whose clock starts in 1970, and whose time runs until the test ends. */
async function start(path: string, synchronised = async () => false) {
  const clock = manualClock(0)
  const time = await openTime({ clock, log, synchronised }, { path, releasedAt })
  const stop = new AbortController()
  const running = time.run(stop.signal)
  const end = async () => {
    stop.abort()
    await running
  }
  onTestFinished(end)
  const keptAt = async () => JSON.parse(await readFile(path, 'utf8')).trustedAt as number
  return { time, clock, end, keptAt }
}

test('time does not fall back behind the last proven time after a restart', async () => {
  const path = await stateFile()
  const first = await start(path)
  expect(first.time.now()).toBe(releasedAt)
  first.time.heard(told)
  await first.clock.advance(10_000)
  await vi.waitFor(async () => expect(await first.keptAt()).toBeGreaterThanOrEqual(truth), { interval: 5 })
  await first.end()
  const second = await start(path)
  expect(second.time.now()).toBeGreaterThanOrEqual(truth)
  expect(second.time.status().state).toBe('untrusted')
})

test('the proven time is written when it becomes proven and every ten minutes, not more often', async () => {
  const { time, clock, keptAt } = await start(await stateFile())
  time.heard(told)
  const writtenSince = (at: number) =>
    vi.waitFor(async () => expect(await keptAt()).toBeGreaterThanOrEqual(at), { interval: 5 })
  await clock.advance(10_000)
  await writtenSince(truth)
  const first = await keptAt()
  for (let turn = 0; turn < 58; turn++) await clock.advance(10_000)
  expect(await keptAt()).toBe(first)
  await clock.advance(20_000)
  await writtenSince(truth + 10 * minute)
})

test('a file that cannot be read is as good as none', async () => {
  const path = await stateFile()
  await writeFile(path, '\0\0\0\0')
  const { time } = await start(path)
  expect(time.now()).toBe(releasedAt)
})

test('NTP is asked at the start, every minute while nothing is proven, and when the clock was stepped', async () => {
  let asked = 0
  const { time, clock } = await start(await stateFile(), async () => {
    asked++
    return false
  })
  await clock.advance(0)
  expect(asked).toBe(1)
  for (let turn = 0; turn < 6; turn++) await clock.advance(10_000)
  expect(asked).toBe(2)
  time.heard(told)
  for (let turn = 0; turn < 30; turn++) await clock.advance(10_000)
  expect(asked).toBe(2)
})
