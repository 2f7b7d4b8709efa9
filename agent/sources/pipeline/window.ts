import type { Stamp } from '../../../protocol/reading.ts'
import type { Sample } from '../source.ts'

/** What is known of the samples of a point within one window. */
export interface Window {
  /** The start, as a reading says its time: a multiple of the length since 1970, or since the box started. */
  readonly stamp: Stamp
  readonly good: number
  readonly notGood: number
  readonly mean: number
  /** Sum of the squared differences from the mean (Welford). */
  readonly squares: number
  readonly minimum: number | bigint | null
  readonly maximum: number | bigint | null
  /** The point was not watched from its start to its end. */
  readonly isPartial: boolean
  /** Monotonic: when it is over, going by the sample that opened it. */
  readonly endsAt: number
}

export interface WindowState {
  readonly open?: Window
  /** Nothing has been seen yet: the first window is a partial one. */
  readonly isFirst: boolean
  /** The window closed last had no Good value: another such is not said again. */
  readonly wasEmpty: boolean
}

export interface WindowStep {
  readonly state: WindowState
  readonly closed: readonly Window[]
}

export const nothingSeen: WindowState = { isFirst: true, wasEmpty: false }

/** Samples that come this late still count; after that a window is closed though nothing newer came. */
const graceMs = 1_000

/** Pure: takes in a sample that was read at `now`, in monotonic milliseconds. */
export function feed(lengthMs: number, state: WindowState, sample: Sample, now: number): WindowStep {
  const { open } = state
  const at = startOf(sample, lengthMs)
  const offset = positionOf(sample) - positionOf(at)
  const endsAt = now + lengthMs - offset
  if (open === undefined) {
    const window = counted(opened(at, state.isFirst && offset > 0, endsAt), sample)
    return { state: { ...state, isFirst: false, open: window }, closed: [] }
  }
  const ahead = (positionOf(at) - positionOf(open.stamp)) / lengthMs
  const isSameTime = isProven(at) === isProven(open.stamp)
  if (isSameTime && ahead === 0) {
    const window = counted(isUntouched(open) ? { ...open, endsAt } : open, sample)
    return { state: { ...state, open: window }, closed: [] }
  }
  if (isSameTime && ahead === -1) return { state, closed: [] } // too late for its window
  // Where the time itself stepped, neither window was watched whole.
  const isStep = !isSameTime || ahead < 0
  let after = close(state, isStep ? { ...open, isPartial: true } : open)
  if (!isStep && ahead > 1) after = { ...after, ...closeEmpty(after, next(open, lengthMs)) }
  const opening = feed(lengthMs, { ...after.state, isFirst: isStep }, sample, now)
  return { state: opening.state, closed: after.closed }
}

/** Pure: closes a window that is over. The next one is opened, so that one without a sample shows. */
export function expire(lengthMs: number, state: WindowState, now: number): WindowStep {
  const { open } = state
  if (open === undefined || now < open.endsAt + graceMs) return { state, closed: [] }
  const after = close(state, open)
  // Silence is said once; the next sample opens a window again.
  if (after.state.wasEmpty) return after
  return { ...after, state: { ...after.state, open: next(open, lengthMs) } }
}

/** Pure: closes what is open before its end. */
export function finish(state: WindowState): WindowStep {
  const { open } = state
  if (open === undefined || isUntouched(open)) return { state: nothingSeen, closed: [] }
  return close(state, { ...open, isPartial: true })
}

function close({ wasEmpty, isFirst }: WindowState, window: Window): WindowStep {
  const isEmpty = window.good === 0
  return { state: { isFirst, wasEmpty: isEmpty }, closed: isEmpty && wasEmpty ? [] : [window] }
}

function closeEmpty(before: WindowStep, window: Window): WindowStep {
  const { state, closed } = close(before.state, window)
  return { state, closed: [...before.closed, ...closed] }
}

const isUntouched = ({ good, notGood }: Window): boolean => good + notGood === 0
const isProven = ({ monotonic }: Stamp): boolean => monotonic === undefined

/** Where the time is not proven, that since the start of the box is what does not step. */
const positionOf = ({ time, monotonic }: Stamp): number => monotonic ?? time

function startOf({ time, monotonic }: Stamp, lengthMs: number): Stamp {
  if (monotonic === undefined) return { time: Math.floor(time / lengthMs) * lengthMs }
  const start = Math.floor(monotonic / lengthMs) * lengthMs
  return { time: Math.round(time - (monotonic - start)), monotonic: start }
}

const next = ({ stamp: { time, monotonic }, endsAt }: Window, lengthMs: number): Window =>
  opened(
    { time: time + lengthMs, ...(monotonic === undefined ? {} : { monotonic: monotonic + lengthMs }) },
    false,
    endsAt + lengthMs,
  )

const opened = (stamp: Stamp, isPartial: boolean, endsAt: number): Window => ({
  ...{ stamp, isPartial, endsAt, good: 0, notGood: 0, mean: 0, squares: 0, minimum: null, maximum: null },
})

function counted(window: Window, { value, quality }: Sample): Window {
  if (quality >>> 30 !== 0) return { ...window, notGood: window.notGood + 1 }
  const good = window.good + 1
  if (typeof value !== 'number' && typeof value !== 'bigint') return { ...window, good }
  const delta = Number(value) - window.mean
  const mean = window.mean + delta / good
  return {
    ...{ ...window, good, mean },
    squares: window.squares + delta * (Number(value) - mean),
    minimum: window.minimum === null || value < window.minimum ? value : window.minimum,
    maximum: window.maximum === null || value > window.maximum ? value : window.maximum,
  }
}
