import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { createAlarms, type Outbox, openOutbox } from '../../agent/test-outbox.ts'
import { type Clock, systemClock } from '../../core/clock.ts'
import { systemRandom } from '../../core/random.ts'
import { valuesByBatch } from '../batches.ts'

/**
 * A box at work: three sources append, a far side commits and acknowledges now and then, late or never.
 * Each line on stdout is a promise that a power cut after it must not break:
 *   kept 1,2,3            these were acknowledged to their producer
 *   hub {"epoch":{…}}     the hub has committed these batches: seq → values
 * Arguments: directory, mode, number of appends.
 */
const [dir, mode, appends] = process.argv.slice(2) as [string, 'spill' | 'always', string]

/** Time runs so much faster that settlements come in seconds. */
const speed = 20
const clock: Clock = {
  now: () => systemClock.now(),
  monotonic: () => systemClock.monotonic() * speed,
  sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
}
const commitIntervalMs = 250
const log = pino({ level: 'silent' })
const deps = { clock, random: systemRandom, log, alarms: createAlarms({ clock, log }) }
await using outbox = await openOutbox(deps, {
  ...{ path: join(dir, 'outbox.db'), boot: 'boot', mode, commitIntervalMs },
  ...{ commitBytes: 65_536, maxBytes: 64 * 1024 * 1024, ballastBytes: 1024 * 1024, whenFull: 'drop_oldest' },
})

const say = (line: string) => void writeSync(1, `${line}\n`)
const done = new AbortController()
const delivering = deliver(outbox, done.signal)
await append(outbox, Number(appends))
done.abort()
await delivering
// No orderly end: what the last cut finds is a box at work.
process.kill(process.pid, 'SIGKILL')

/** Two in three windows are small; the third fills pages, so that the log wraps within the run. */
async function append(to: Outbox, count: number): Promise<void> {
  let n = 0
  const kept: Promise<void>[] = []
  for (let k = 0; k < count; k++) {
    const large = k % 3 === 0
    const numbers = Array.from({ length: large ? 60 : 5 }, () => ++n)
    const readings = numbers.map((number) => ({
      point: `p${number % 7}`,
      value: `${number}:${large ? systemRandom.bytes(120).toString('base64') : ''}`,
      quality: 0,
      time: clock.now(),
    }))
    const appended = to.append({ source: `source ${k % 3}`, readings })
    kept.push(appended.then(() => say(`kept ${numbers.join(',')}`)))
    await clock.sleep(Math.random() * 2 * commitIntervalMs)
  }
  await Promise.all(kept)
}

/** Commits what it is given, tells so, and acknowledges most of it, some in time for no write to be needed. */
async function deliver(from: Outbox, signal: AbortSignal): Promise<void> {
  let fresh = Promise.withResolvers<void>()
  from.onPending(() => {
    fresh.resolve()
    fresh = Promise.withResolvers()
  })
  let after = 0
  while (!signal.aborted) {
    await Promise.race([fresh.promise, clock.sleep(commitIntervalMs)])
    const away = Math.random() < 0.3
    if (away) await clock.sleep(Math.random() * 8 * commitIntervalMs)
    const given = await from.pending({ after, limit: 4, maxBytes: 100_000 })
    after = given.length === 0 ? 0 : (given.at(-1)?.position ?? 0)
    for (const message of given) {
      const batches = valuesByBatch(message)
      say(`hub ${JSON.stringify({ epoch: message.epoch, batches: [...batches] })}`)
      if (Math.random() < 0.1) continue // its answer was lost; it will be given again
      await from.acknowledge(message.epoch, [[message.seq, message.seq + message.count - 1]])
    }
  }
}
