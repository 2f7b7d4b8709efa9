import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import { createGuard, type Guard } from './guard.ts'
import { readKept, writeKept } from './kept.ts'

export type { TimeStatus } from './guard.ts'
export { ntpSynchronised } from './ntp.ts'

/** The box's time, untrusted until proven; the last proven time outlives the process. */
export interface Time extends Guard {
  /** Watches the box's clock and NTP, until aborted. */
  run(signal: AbortSignal): Promise<void>
}

export interface TimeDeps {
  clock: Clock
  log: Logger
  /** Whether NTP keeps the box's clock; may be slow, is asked rarely. */
  synchronised(): Promise<boolean>
}

export interface TimeConfig {
  /** The file that keeps the last proven time. */
  path: string
  /** Epoch milliseconds: it is not earlier. */
  releasedAt: number
}

const lookIntervalMs = 10_000
/** NTP is asked more often while it could help. */
const askWhileUntrustedMs = 60_000
const askWhileTrustedMs = 600_000
/** Flash wears: rarely. */
const keepIntervalMs = 600_000

export async function openTime(deps: TimeDeps, { path, releasedAt }: TimeConfig): Promise<Time> {
  const { clock, synchronised } = deps
  const log = deps.log.child({ part: 'time' })
  const floor = Math.max(releasedAt, (await readKept(path, log)) ?? 0)
  const guard = createGuard({ clock, log }, { floor })
  let askedAt = Number.NEGATIVE_INFINITY
  let keptAt = Number.NEGATIVE_INFINITY

  async function askNtp(stepped: boolean): Promise<void> {
    const trusted = guard.proof() !== undefined
    const dueAt = askedAt + (trusted ? askWhileTrustedMs : askWhileUntrustedMs)
    if (!stepped && clock.monotonic() < dueAt) return
    askedAt = clock.monotonic()
    guard.setSynchronised(await synchronised())
  }

  async function keep(): Promise<void> {
    const proof = guard.proof()
    if (!proof || clock.monotonic() < keptAt + keepIntervalMs) return
    keptAt = clock.monotonic()
    await writeKept(path, Math.round(proof.time)).catch((err) => log.warn({ err }, 'trusted time not kept'))
  }

  return {
    ...guard,
    async run(signal) {
      while (!signal.aborted) {
        await askNtp(guard.look())
        await keep()
        await clock.sleep(lookIntervalMs, signal).catch(() => {}) // aborted: the loop ends
      }
    },
  }
}
