import { isGood, qualityName } from '../../protocol/reading.ts'
import type { PlannedSource } from './configuration.ts'
import type { RunningSource } from './running.ts'
import { type ShownSample, shownSample } from './shown.ts'
import type { SourceStatus } from './tally.ts'

/** New and changed sources that read, and of which nothing is stored until they have shown that they do. */
export interface Trial {
  status(): TriedSource[]
  /**
   * What they do not read, by source; empty when all read. `atEnd`: no more patience with points that
   * were never read before either.
   */
  faults(atEnd: boolean): TrialFault[]
  /** They become the sources in force, and those that they replace end. */
  commit(): void
  /** They end, and those that paused for them go on. */
  revert(): void
}

export interface TrialFault {
  source: string
  fault: string
}

export interface TriedSource extends Pick<SourceStatus, 'name' | 'protocol' | 'state' | 'reason'> {
  way: 'beside' | 'instead'
  points: {
    id: string
    now?: ShownSample
    /** What the source in force reads. */
    before?: ShownSample
    reads: boolean
  }[]
}

export interface Shadow {
  source: RunningSource
  way: 'beside' | 'instead'
}

/** What was read of a point by the sources that were in force. */
export interface Before {
  has(point: string): boolean
  newest(point: string): ShownSample | undefined
  isGood(point: string): boolean
}

export function readBefore(sources: readonly RunningSource[]): Before {
  const owner = new Map(sources.flatMap((source) => source.newest.points.map(({ id }) => [id, source])))
  const sample = (id: string) => owner.get(id)?.newest.of(id)
  return {
    has: (id) => owner.has(id),
    newest(id) {
      const [source, newest] = [owner.get(id), sample(id)]
      const point = source?.newest.points.find((each) => each.id === id)
      return source && newest && point && shownSample(source.definition.name, point, newest)
    },
    isGood: (id) => isGood(sample(id)?.quality ?? neverRead),
  }
}

const neverRead = 0x8000_0000

/** A point reads when it was Good once, or is no worse than before. */
function reads({ newest }: RunningSource, id: string, before: Before, atEnd: boolean): boolean {
  if (newest.wasGood(id)) return true
  if (!before.has(id) || before.isGood(id)) return false
  return newest.of(id) !== undefined || atEnd
}

export const triedSource = ({ source, way }: Shadow, before: Before): TriedSource => {
  const { name, protocol, state, reason } = source.status()
  return {
    ...{ name, protocol, state, ...(reason === undefined ? {} : { reason }), way },
    points: source.newest.points.map((point) => {
      const { id } = point
      const [now, was] = [source.newest.of(id), before.newest(id)]
      return {
        id,
        ...(now ? { now: shownSample(name, point, now) } : {}),
        ...(was ? { before: was } : {}),
        reads: reads(source, id, before, false),
      }
    }),
  }
}

export function faultsOfTrial(shadows: readonly Shadow[], before: Before, atEnd: boolean): TrialFault[] {
  return shadows.flatMap(({ source }) => {
    const missing = source.newest.points.filter(({ id }) => !reads(source, id, before, atEnd))
    if (missing.length === 0) return []
    const { name, state, reason } = source.status()
    if (state === 'dead') return [{ source: name, fault: reason ?? 'the device does not answer' }]
    const shown = missing.slice(0, maxPoints).map(({ id }) => `${id}: ${why(source, id)}`)
    const more = missing.length > maxPoints ? [`and ${missing.length - maxPoints} more points`] : []
    return [{ source: name, fault: [...shown, ...more].join('; ') }]
  })
}

/** Thousands of points are not named one by one. */
const maxPoints = 10

function why({ newest }: RunningSource, id: string): string {
  const sample = newest.of(id)
  if (!sample) return 'was not read'
  return `${qualityName(sample.quality)}${sample.reason === undefined ? '' : ` (${sample.reason})`}`
}

export const isTried = (plan: PlannedSource): boolean => plan.trial !== undefined && plan.trial !== 'none'
