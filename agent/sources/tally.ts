import type { Clock } from '../../core/clock.ts'
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
  lastReadingAt?: number
}

/** Counts what a source brings and judges its health by it. */
export interface Tally {
  stored(samples: readonly Sample[]): void
  /** Storing did not work. True when it worked before: worth a line in the log. */
  failed(error: Error): boolean
  refused(count: number): void
  lost(count: number): void
  died(error: Error): void
  device(state: DeviceState): void
  status(): Omit<SourceStatus, 'name' | 'protocol'>
}

export function createTally(clock: Clock): Tally {
  const bad = new Map<string, number>()
  /** Points whose newest reading is not Good, and why. */
  const faulty = new Map<string, string>()
  let readings = 0
  let refused = 0
  let lost = 0
  let lastReadingAt: number | undefined
  let storeFault: string | undefined
  let death: string | undefined
  let device: DeviceState | undefined

  const judge = (): Pick<SourceStatus, 'state' | 'reason'> => {
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
    return { state: lastReadingAt === undefined ? 'starting' : 'good' }
  }

  return {
    stored(samples) {
      death = undefined
      storeFault = undefined
      readings += samples.length
      for (const { point, reason } of samples) {
        if (reason === undefined) faulty.delete(point)
        else {
          faulty.set(point, reason)
          bad.set(reason, (bad.get(reason) ?? 0) + 1)
        }
      }
      if (samples.length > 0) lastReadingAt = clock.now()
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
    died(error) {
      death = error.message
    },
    device(state) {
      device = state
    },
    status: () => ({
      ...judge(),
      readings,
      bad: Object.fromEntries(bad),
      refused,
      lost,
      ...(lastReadingAt === undefined ? {} : { lastReadingAt }),
    }),
  }
}
