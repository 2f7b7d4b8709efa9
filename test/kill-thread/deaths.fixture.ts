import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { pino } from 'pino'
import { createAlarms, type Outbox, openOutbox } from '../../agent/test-outbox.ts'
import { systemClock } from '../../core/clock.ts'
import { systemRandom } from '../../core/random.ts'
import { createFarSide } from '../far-side.ts'
import { fastClock } from '../fast-clock.ts'
import { tempDir } from '../harness.ts'
import { seeded } from '../seeded.ts'

/** Run as a process: `node deaths.fixture.ts MODE ROUNDS SEED`. Prints a `Verdict` as its last line. */
export interface Verdict {
  kept: number
  threads: number
  refused: string[]
  lost: number[]
  twice: number
  /** Names that held two contents. */
  changed: readonly unknown[]
  /** Numbers that nobody explains. */
  missing: readonly unknown[]
  /** Sources whose counts do not add up. */
  unbalanced: readonly unknown[]
  /** Rows of the ledger. */
  rows: number
}

const [mode, rounds, seed] = [process.argv[2] as 'always' | 'spill', ...process.argv.slice(3).map(Number)]
/** A minute in 30 ms: the outbox does not take so many deaths for a reason to give up. */
const speed = 2000
const commitIntervalMs = 5 * speed

const threads: Worker[] = []
process.on('worker', (thread) => void threads.push(thread))

async function judge(): Promise<Verdict> {
  await using dir = await tempDir()
  const clock = fastClock(speed)
  const log = pino({ level: 'silent' })
  const draw = seeded(seed ?? 1)
  const deps = { clock, random: systemRandom, log, alarms: createAlarms({ clock, log }) }
  await using outbox = await openOutbox(deps, {
    ...{ path: join(dir.path, 'outbox.db'), boot: 'boot', mode, commitIntervalMs, commitBytes: 65_536 },
    ...{ maxBytes: 64 * 1024 * 1024, ballastBytes: 1024 * 1024, whenFull: 'drop_oldest' },
  })
  const hub = createFarSide({ clock, draw }, { forgets: 0.1, lateMs: 2 * commitIntervalMs })
  const stopped = new AbortController()
  const delivering = hub.run(outbox, stopped.signal)
  const sources = startSources(outbox)

  for (let round = 0; round < (rounds ?? 1); round++) {
    // Three in four deaths meet a thread at work, the fourth one that may not have opened its file.
    if (round % 4 > 0) await sources.progress()
    await systemClock.sleep(draw() * 30)
    await threads.at(-1)?.terminate()
  }
  const appended = await sources.stop()
  await until('all is delivered', async () => (await outbox.stats()).readings === 0)
  await until('all rows are told', async () => (await outbox.pendingGaps(1)) === undefined)
  stopped.abort()
  await delivering

  const arrived = hub.values()
  const values = new Set(arrived)
  return {
    kept: appended.kept.length,
    threads: threads.length,
    refused: appended.refused.map(String),
    lost: appended.kept.filter((value) => !values.has(value)),
    twice: arrived.length - values.size,
    changed: hub.changed,
    missing: hub.missing(),
    unbalanced: (await outbox.stats()).sources.filter(
      ({ produced, delivered, waiting, lost }) =>
        produced !== delivered + waiting + Object.values(lost).reduce((sum, count) => sum + count, 0),
    ),
    rows: hub.gaps.length,
  }
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = systemClock.monotonic() + 60_000
  while (!(await holds())) {
    if (systemClock.monotonic() > deadline) throw new Error(`waited in vain: ${what}`)
    await systemClock.sleep(20)
  }
}

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

process.stdout.write(`${JSON.stringify(await judge())}\n`)
