import type { Sample } from '../source.ts'
import { aggregated } from './aggregate.ts'
import type { PipelinePlan, PointPlan } from './planning.ts'
import { expire, feed, finish, nothingSeen, type WindowState, type WindowStep } from './window.ts'

/** The windows of all points that have aggregates. */
export interface Windows {
  feed(sample: Sample, now: number): void
  /** Readings of the windows that are over, each given once. */
  over(now: number): Sample[]
  /** Likewise, and of those that are not. */
  finished(): Sample[]
}

interface WindowOfPoint {
  plan: PointPlan['windows'][number]
  state: WindowState
}

export function createWindows(points: PipelinePlan['points']): Windows {
  const windows = new Map<string, WindowOfPoint[]>()
  for (const [id, { windows: plans }] of points) {
    const ofPoint = plans.map((plan) => ({ plan, state: nothingSeen }))
    if (ofPoint.length > 0) windows.set(id, ofPoint)
  }
  let made: Sample[] = []

  function take(window: WindowOfPoint, { state, closed }: WindowStep): void {
    window.state = state
    for (const each of closed)
      for (const aggregate of window.plan.aggregates) made.push(aggregated(aggregate, each))
  }

  function takeAll(step: (window: WindowOfPoint) => WindowStep): Sample[] {
    for (const ofPoint of windows.values()) for (const window of ofPoint) take(window, step(window))
    const all = made
    made = []
    return all
  }

  return {
    feed(sample, now) {
      for (const window of windows.get(sample.point) ?? [])
        take(window, feed(window.plan.lengthMs, window.state, sample, now))
    },
    over: (now) => takeAll(({ plan, state }) => expire(plan.lengthMs, state, now)),
    finished: () => takeAll(({ state }) => finish(state)),
  }
}
