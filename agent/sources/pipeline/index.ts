import type { Clock } from '../../../core/clock.ts'
import type { Sample } from '../source.ts'
import { type FilterState, nothingSent, release, type Step, step, type Withheld } from './filter.ts'
import { type PipelinePlan, percentOf } from './planning.ts'
import { scaled } from './scale.ts'
import { createWindows } from './windows.ts'

export { type PipelinePlan, planPipeline } from './planning.ts'
export { scaled } from './scale.ts'

/** What stands between a raw value and what is kept of it: scale, filters, aggregates. */
export interface Pipeline {
  /** Samples of the source. */
  pass(samples: readonly Sample[]): Passed
  /** What became due by the clock alone: ends of windows, and what waited for a minimum interval. */
  due(): Passed
  /** What is still to be sent at the end of the source. */
  finish(): Passed
  /** The device says so. */
  euRange(point: string, range: readonly [number, number]): void
  /** How often `due` is to be asked; undefined: nothing becomes due. */
  readonly dueEveryMs: number | undefined
}

export interface Passed {
  /** To be stored. */
  readonly samples: readonly Sample[]
  /** Of readings that are not sent. */
  readonly withheld: Readonly<Record<Withheld, number>>
  /** Counts what was passed in the aggregates. Not to be called when it will come again. */
  count(): void
  /** The samples could not be stored: the next ones of their points are sent in any case. */
  notKept(): void
}

export function createPipeline({ points }: PipelinePlan, clock: Clock): Pipeline {
  const filters = new Map<string, FilterState>()
  const windows = createWindows(points)
  const bands = new Map<string, number>()

  const ruleOf = (id: string) => {
    const rule = points.get(id)?.filter
    const band = bands.get(id)
    return rule && band !== undefined ? { ...rule, band } : rule
  }

  function collection(now: number) {
    const samples: Sample[] = []
    const withheld = { deadband: 0, rate: 0 }

    function take(id: string, { state, send, withheld: reasons }: Step): void {
      filters.set(id, state)
      for (const reason of reasons) withheld[reason]++
      if (send) samples.push(send)
    }

    return {
      ...{ samples, withheld, take },
      filter(sample: Sample): void {
        const { point } = sample
        const rule = ruleOf(point)
        if (rule) take(point, step(rule, filters.get(point) ?? nothingSent, sample, now))
        else samples.push(sample)
      },
      notKept(): void {
        for (const { point } of samples) filters.delete(point)
      },
    }
  }

  function releasing(made: readonly Sample[], now: number, isEnd: boolean): Passed {
    const all = collection(now)
    for (const sample of made) all.filter(sample)
    for (const [id, state] of filters) {
      const rule = state.pending && ruleOf(id)
      if (rule) all.take(id, release(rule, state, isEnd ? Number.POSITIVE_INFINITY : now))
    }
    return { ...all, count() {} }
  }

  return {
    pass(given) {
      const now = clock.monotonic()
      const all = collection(now)
      const counted: Sample[] = []
      for (const raw of given) {
        const plan = points.get(raw.point)
        const sample = plan?.scaling ? scaled(raw, plan.scaling, plan.type) : raw
        if (plan && plan.windows.length > 0) counted.push(sample)
        if (plan?.isSent !== false) all.filter(sample)
      }
      return {
        ...all,
        count() {
          for (const sample of counted) windows.feed(sample, now)
        },
      }
    },
    due() {
      const now = clock.monotonic()
      return releasing(windows.over(now), now, false)
    },
    finish: () => releasing(windows.finished(), clock.monotonic(), true),
    euRange(point, range) {
      const percent = points.get(point)?.percent
      if (percent !== undefined) bands.set(point, percentOf(percent, range))
    },
    dueEveryMs: dueEvery(points),
  }
}

function dueEvery(points: PipelinePlan['points']): number | undefined {
  const times = [...points.values()].flatMap(({ filter, windows }) => [
    ...(filter && filter.minIntervalMs > 0 ? [filter.minIntervalMs] : []),
    ...windows.map(({ lengthMs }) => lengthMs),
  ])
  return times.length > 0 ? Math.min(1_000, Math.max(100, Math.min(...times))) : undefined
}
