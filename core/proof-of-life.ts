import type { Clock } from './clock.ts'
import type { Logger } from './log.ts'

/** Something that must answer; a refusal is an answer, since a restart would be refused just so. */
export interface Probe {
  /** For people: "the store of the users". */
  name: string
  ask(): Promise<unknown>
  /** Between an answer and the next question; 5 s unless told. */
  everyMs?: number
}

export interface Silence {
  name: string
  /** Since it was asked. */
  forMs: number
}

export interface Refusal {
  name: string
  /** What it answered last. */
  reason: string
}

/** Whether a process is alive in all its parts. That this runs at all proves the event loop. */
export interface ProofOfLife {
  /** Who has been asked for longer than this, and has not answered. Asks nobody. */
  silences(longerThanMs: number): Silence[]
  /** Who has answered, last, that it cannot. */
  refusals(): Refusal[]
  /** Asks each probe, one question at a time, until aborted. */
  run(signal: AbortSignal): Promise<void>
}

const usualPauseMs = 5_000

export function createProofOfLife(
  { clock, log }: { clock: Clock; log: Logger },
  { probes }: { probes: readonly Probe[] },
): ProofOfLife {
  const askedAt = new Map<string, number>()
  const refused = new Map<string, string>()

  async function follow({ name, ask, everyMs = usualPauseMs }: Probe, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      askedAt.set(name, clock.monotonic())
      await answered(ask, signal).then(
        () => refused.delete(name),
        (err: Error) => {
          refused.set(name, err.message)
          log.debug({ err, probe: name }, 'a probe was refused')
        },
      )
      askedAt.delete(name)
      await clock.sleep(everyMs, signal).catch(() => {}) // aborted: the loop ends
    }
  }

  return {
    silences: (longerThanMs) =>
      [...askedAt]
        .map(([name, since]) => ({ name, forMs: clock.monotonic() - since }))
        .filter(({ forMs }) => forMs > longerThanMs),
    refusals: () => [...refused].map(([name, reason]) => ({ name, reason })),
    async run(signal) {
      await Promise.all(probes.map((probe) => follow(probe, signal)))
    },
  }
}

/** An end that waited for somebody silent would not come. */
async function answered(ask: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
  const ended = Promise.withResolvers<void>()
  const end = () => ended.resolve()
  signal.addEventListener('abort', end, { once: true })
  try {
    await Promise.race([ask(), ended.promise])
  } finally {
    signal.removeEventListener('abort', end)
  }
}
