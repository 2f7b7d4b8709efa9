import type { Clock } from '../core/clock.ts'
import type { Alarms } from './alarms.ts'
import type { Outbox, OutboxStats } from './outbox/index.ts'

/** The outbox as it is shown. Whoever asks never waits for the disk longer than a moment. */
export interface OutboxView {
  /** What the outbox says now or, while its disk keeps it busy, what it said last. */
  status(): Promise<OutboxStatus>
  /** How long it has not answered. */
  silentMs(): number
  /** Follows the rates, and raises an alarm while the outbox does not answer; until aborted. */
  run(signal: AbortSignal): Promise<void>
}

export interface OutboxStatus extends OutboxStats {
  mode: 'spill' | 'always'
  /** Readings a second, over the last minute: taken in, written to disk, acknowledged by the hub. */
  rates: { in: number; written: number; out: number }
  /** Epoch milliseconds: the figures are of this moment, since the outbox is busy with its disk. */
  asOf?: number
}

export interface OutboxViewDeps {
  outbox: Pick<Outbox, 'stats'>
  alarms: Alarms
  clock: Clock
}

/** A command and a probe of the health wait three seconds for the whole of their answer. */
const patienceMs = 1_500
const lookEveryMs = 10_000
const rateSpanMs = 60_000
/** A disk may be slow; an outbox that is silent for longer is in trouble. */
export const silenceMs = 30_000

interface Look {
  at: number
  taken: number
  stats: OutboxStats
}

/** Resolves once the outbox has answered for the first time. */
export async function openOutboxView(
  { outbox, alarms, clock }: OutboxViewDeps,
  { mode }: { mode: OutboxStatus['mode'] },
): Promise<OutboxView> {
  let last = await look()
  let looks: Look[] = [last]
  /** At most one question is under way and one waits to be asked. */
  let asked: Promise<unknown> = Promise.resolve()
  let next: Promise<boolean> | undefined

  async function look(): Promise<Look> {
    const stats = await outbox.stats()
    return { at: clock.monotonic(), taken: clock.now(), stats }
  }

  /** True with fresh figures. A failing outbox is told otherwise; what it said last stands meanwhile. */
  function refresh(): Promise<boolean> {
    next ??= asked.then(() => {
      next = undefined
      const answer = look().then(
        (fresh) => {
          last = fresh
          return true
        },
        () => false,
      )
      asked = answer
      return answer
    })
    return next
  }

  async function answersInTime(): Promise<boolean> {
    const answered = new AbortController()
    const late = clock.sleep(patienceMs, answered.signal).then(
      () => false,
      () => false, // answered
    )
    return Promise.race([refresh(), late]).finally(() => answered.abort())
  }

  const silentMs = () => clock.monotonic() - last.at

  return {
    silentMs,
    async status() {
      const isFresh = await answersInTime()
      return {
        ...last.stats,
        mode,
        rates: ratesBetween(looks[0] ?? last, last),
        ...(isFresh ? {} : { asOf: last.taken }),
      }
    },
    async run(signal) {
      while (!signal.aborted) {
        await answersInTime()
        if (looks.at(-1) !== last) looks = [...looks.filter(({ at }) => last.at - at <= rateSpanMs), last]
        if (silentMs() > silenceMs)
          alarms.raise(
            'outbox_silent',
            'the outbox has not answered for half a minute: its disk may be failing',
          )
        else alarms.clear('outbox_silent')
        await clock.sleep(lookEveryMs, signal).catch(() => {}) // aborted: the loop ends
      }
    },
  }
}

/** A counter that went back began anew. */
function ratesBetween(first: Look, last: Look): OutboxStatus['rates'] {
  const seconds = (last.at - first.at) / 1000
  const rate = (figure: 'takenIn' | 'written' | 'acknowledged') =>
    seconds <= 0 ? 0 : Math.max(0, last.stats[figure] - first.stats[figure]) / seconds
  return { in: rate('takenIn'), written: rate('written'), out: rate('acknowledged') }
}
