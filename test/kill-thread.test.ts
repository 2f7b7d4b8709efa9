import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createAlarms, type Outbox, openOutbox } from '../agent/test-outbox.ts'
import { systemClock } from '../core/clock.ts'
import { systemRandom } from '../core/random.ts'
import { createFarSide } from './far-side.ts'
import { fastClock } from './fast-clock.ts'
import { tempDir } from './harness.ts'
import { seeded } from './seeded.ts'

/**
 * The thread of the outbox is terminated in the middle of whatever it does, while sources append and a far
 * side acknowledges as badly as it can. KILL_ROUNDS makes more of it.
 */
const rounds = Number(process.env.KILL_ROUNDS ?? 95)
/** A minute in 30 ms: the outbox does not take so many deaths for a reason to give up. */
const speed = 2000
const commitIntervalMs = 5 * speed

let threads: Worker[] = []
const seen = (thread: Worker) => void threads.push(thread)
beforeEach(() => {
  threads = []
  process.on('worker', seen)
})
afterEach(() => void process.off('worker', seen))

for (const mode of ['always', 'spill'] as const)
  test(`terminating the outbox's thread loses nothing and stores nothing twice (${mode})`, async () => {
    await using dir = await tempDir()
    const clock = fastClock(speed)
    const log = pino({ level: 'silent' })
    const draw = seeded(mode.length)
    const deps = { clock, random: systemRandom, log, alarms: createAlarms({ clock, log }) }
    await using outbox = await openOutbox(deps, {
      ...{ path: join(dir.path, 'outbox.db'), boot: 'boot', mode, commitIntervalMs, commitBytes: 65_536 },
      ...{ maxBytes: 64 * 1024 * 1024, ballastBytes: 1024 * 1024, whenFull: 'drop_oldest' },
    })
    const hub = createFarSide({ clock, draw }, { forgets: 0.1, lateMs: 2 * commitIntervalMs })
    const stopped = new AbortController()
    const delivering = hub.run(outbox, stopped.signal)
    const sources = startSources(outbox)

    for (let round = 0; round < rounds; round++) {
      // Three in four deaths meet a thread at work, the fourth one that may not have opened its file.
      if (round % 4 > 0) await sources.progress()
      await systemClock.sleep(draw() * 30)
      await threads.at(-1)?.terminate()
    }
    const appended = await sources.stop()
    await expect.poll(async () => (await outbox.stats()).readings, { timeout: 30_000 }).toBe(0)
    await expect.poll(() => outbox.pendingGaps(1), { timeout: 30_000 }).toBeUndefined()
    stopped.abort()
    await delivering

    const arrived = hub.values()
    const values = new Set(arrived)
    expect(threads.length, 'threads that were started').toBeGreaterThan(rounds)
    expect(appended.refused).toEqual([])
    expect(appended.kept.filter((value) => !values.has(value))).toEqual([])
    expect(arrived.length - values.size, 'readings stored twice').toBe(0)
    expect(hub.changed, 'names that held two contents').toEqual([])
    expect(hub.missing(), 'numbers that nobody explains').toEqual([])
    for (const { produced, delivered, waiting, lost } of (await outbox.stats()).sources)
      expect(produced).toBe(delivered + waiting + Object.values(lost).reduce((sum, count) => sum + count, 0))
    process.stderr.write(
      `${rounds} deaths of the outbox's thread (${mode}): ${appended.kept.length} kept, 0 lost, 0 twice, ${hub.gaps.length} rows of the ledger\n`,
    )
  }, 600_000)

/** Each value once, over all sources. */
function startSources(outbox: Outbox) {
  const kept: number[] = []
  const refused: unknown[] = []
  let going = true
  let n = 0
  const append = async (source: string) => {
    while (going) {
      const numbers = Array.from({ length: 1 + (n % 20) }, () => ++n)
      const readings = numbers.map((value) => ({ point: source, value, quality: 0, time: 1_700_000_000_000 }))
      await outbox.append({ source, readings }).then(
        () => kept.push(...numbers),
        (error) => refused.push(error),
      )
    }
  }
  const appending = Promise.all(['press', 'oven', 'line'].map(append))
  return {
    async progress() {
      for (const before = kept.length; kept.length === before; ) await systemClock.sleep(5)
    },
    async stop() {
      going = false
      await appending
      return { kept, refused }
    },
  }
}
