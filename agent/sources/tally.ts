import type { Clock } from '../../core/clock.ts'
import type { Turn } from './schedule.ts'
import type { DeviceState, Sample } from './source.ts'

export interface SourceStatus {
  name: string
  protocol: string
  /**
   * starting: nothing acquired yet; connecting: on the way to the device; good: the newest reading of
   * every point is Good and stored; degraded: some is not; dead: the device does not answer, or the
   * source failed as a whole and waits to be run again.
   */
  state: 'starting' | 'connecting' | 'good' | 'degraded' | 'dead'
  reason?: string
  /** Stored since the source started. */
  readings: number
  /** Of these, the ones that are not Good, by reason: `{"type_mismatch": 3}`. */
  bad: Record<string, number>
  /** Readings that could not be stored and were refused: their producer repeats them. */
  refused: number
  /** Readings that could not be stored and that nobody repeats: the loss ledger counts them too. */
  lost: number
  /** Readings that its filters held back; the loss ledger counts them too. */
  withheld: number
  /** Turns of its schedule that fell out, because the one before took too long. */
  overruns: number
  /** How much later than due the newest turns of its schedule began. */
  lateMs?: { median: number; max: number }
  /** How long its next turn has been overdue; present once that is long. */
  overdueMs?: number
  /** The newest was acquired, whether or not a filter held it back. */
  lastReadingAt?: number
}

/** Counts what a source brings and judges its health by it. */
export interface Tally {
  /** What the source acquired, before any filter. */
  acquired(samples: readonly Sample[]): void
  stored(samples: readonly Sample[]): void
  /** Storing did not work. True when it worked before: worth a line in the log. */
  failed(error: Error): boolean
  refused(count: number): void
  lost(count: number): void
  withheld(count: number): void
  turned(turn: Turn): void
  died(error: Error): void
  device(state: DeviceState): void
  health(): Pick<SourceStatus, 'state' | 'reason'>
  status(): Omit<SourceStatus, 'name' | 'protocol'>
}

export function createTally(clock: Clock): Tally {
  const bad = new Map<string, number>()
  /** Points whose newest reading is not Good, and why. */
  const faulty = new Map<string, string>()
  let readings = 0
  let refused = 0
  let lost = 0
  let withheld = 0
  let overruns = 0
  const late: number[] = []
  let nextTurnAt: number | undefined
  let lastReadingAt: number | undefined
  let storeFault: string | undefined
  let death: string | undefined
  let device: DeviceState | undefined

  const health = (): Pick<SourceStatus, 'state' | 'reason'> => {
    if (death !== undefined) return { state: 'dead', reason: death }
    if (device?.at === 'failing') return { state: 'dead', reason: device.message }
    if (device?.at === 'connecting') return { state: 'connecting' }
    if (storeFault !== undefined)
      return { state: 'degraded', reason: `readings are not stored: ${storeFault}` }
    const [first] = faulty
    if (first !== undefined) {
      const more = faulty.size > 1 ? ` (and ${faulty.size - 1} more points)` : ''
      return { state: 'degraded', reason: `${first[0]}: ${first[1]}${more}` }
    }
    const state = lastReadingAt === undefined ? 'starting' : 'good'
    return device?.note === undefined ? { state } : { state, reason: device.note }
  }

  return {
    acquired(samples) {
      if (samples.length === 0) return
      death = undefined
      lastReadingAt = clock.now()
      for (const { point, reason } of samples) {
        if (reason === undefined) faulty.delete(point)
        else faulty.set(point, reason)
      }
    },
    stored(samples) {
      storeFault = undefined
      readings += samples.length
      for (const { reason } of samples) if (reason !== undefined) bad.set(reason, (bad.get(reason) ?? 0) + 1)
    },
    failed(error) {
      const news = storeFault === undefined
      storeFault = error.message
      return news
    },
    refused(count) {
      refused += count
    },
    lost(count) {
      lost += count
    },
    withheld(count) {
      withheld += count
    },
    turned(turn) {
      overruns += turn.overruns
      nextTurnAt = clock.monotonic() + turn.intervalMs
      late.push(turn.lateMs)
      if (late.length > maxLate) late.shift()
    },
    died(error) {
      death = error.message
      nextTurnAt = undefined
    },
    device(state) {
      // Another attempt does not make a dead device a living one.
      if (state.at === 'connecting' && device?.at === 'failing') return
      device = state
    },
    health,
    status: () => ({
      ...health(),
      readings,
      bad: Object.fromEntries(bad),
      refused,
      ...{ lost, withheld, overruns },
      ...overdue(nextTurnAt === undefined ? 0 : clock.monotonic() - nextTurnAt),
      ...(late.length > 0 ? { lateMs: summary(late) } : {}),
      ...(lastReadingAt === undefined ? {} : { lastReadingAt }),
    }),
  }
}

/** A turn that waits for its device may take long; this long it takes only when it hangs. */
const noticeableMs = 60_000
const overdue = (ms: number): { overdueMs?: number } =>
  ms < noticeableMs ? {} : { overdueMs: Math.round(ms) }

/** The newest that are looked at. */
const maxLate = 128

function summary(values: readonly number[]): { median: number; max: number } {
  const sorted = values.toSorted((a, b) => a - b)
  const rounded = (value = 0) => Math.round(value * 100) / 100
  return { median: rounded(sorted[sorted.length >> 1]), max: rounded(sorted.at(-1)) }
}
