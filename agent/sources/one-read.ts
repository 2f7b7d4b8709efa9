import type { PlannedSource } from './configuration.ts'
import { createRunning, type SourcesDeps } from './running.ts'
import type { Sharing } from './shared.ts'
import { type ShownSample, shownSample } from './shown.ts'
import type { SourceStatus } from './tally.ts'

/** What one read of a source brought; nothing of it is stored. */
export interface OneRead extends Pick<SourceStatus, 'name' | 'protocol'> {
  /** waits: nobody can ask this source; it is told by others. */
  outcome: 'read' | 'incomplete' | 'failed' | 'waits'
  /** Cause and cure, of a device that does not answer. */
  reason?: string
  points: ({ id: string } & ({ read: ShownSample } | { missing: true }))[]
}

const lookMs = 20
/** Some answer only from their second turn on, such as rates. */
const patienceMs = 15_000

/** Reads every point once, over the connection of the running source where they can share one. */
export async function readOnce(plan: PlannedSource, deps: SourcesDeps & Sharing): Promise<OneRead> {
  const { clock } = deps
  const { protocol, definition } = plan
  const { name } = definition
  if (plan.trial === undefined || plan.trial === 'none')
    return { name, protocol, outcome: 'waits', points: [] }
  const source = createRunning(plan, deps, { shadow: true })
  const { points } = source.newest
  const stop = new AbortController()
  const ended = source.run(stop.signal)
  const deadline = clock.monotonic() + patienceMs
  const isRead = () => points.every(({ id }) => source.newest.of(id) !== undefined)
  try {
    while (!isRead() && source.status().state !== 'dead' && clock.monotonic() < deadline)
      await clock.sleep(lookMs)
    const { state, reason } = source.status()
    return {
      ...{ name, protocol, outcome: state === 'dead' ? 'failed' : isRead() ? 'read' : 'incomplete' },
      ...(state === 'dead' && reason !== undefined ? { reason } : {}),
      points: points.map((point) => {
        const sample = source.newest.of(point.id)
        return { id: point.id, ...(sample ? { read: shownSample(name, point, sample) } : { missing: true }) }
      }),
    }
  } finally {
    stop.abort()
    await ended
  }
}
