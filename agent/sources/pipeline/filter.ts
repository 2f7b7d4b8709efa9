import type { Value } from '../../../protocol/reading.ts'
import type { Sample } from '../source.ts'
import type { Trigger } from './schema.ts'

/** What is sent of a point. */
export interface FilterRule {
  trigger: Trigger
  /** In the unit of the point; undefined: any difference counts. */
  band?: number
  minIntervalMs: number
  maxIntervalMs: number
}

export interface FilterState {
  /** What the next is compared with: never what was only read, lest a slow drift go unseen. */
  readonly sent?: Sample
  readonly sentAt: number
  /** When the newest was read, sent or not. */
  readonly seenAt: number
  /** Due to be sent when the minimum interval is over, unless a newer one comes. */
  readonly pending?: Sample
}

/** Why a reading is held back: it says nothing new, or comes too soon. */
export type Withheld = 'deadband' | 'rate'

export interface Step {
  readonly state: FilterState
  readonly send?: Sample
  /** Of readings that will not be sent any more. */
  readonly withheld: readonly Withheld[]
}

export const nothingSent: FilterState = {
  sentAt: Number.NEGATIVE_INFINITY,
  seenAt: Number.NEGATIVE_INFINITY,
}

/** Pure: what becomes of a sample that is read at `now`, in monotonic milliseconds. */
export function step(rule: FilterRule, state: FilterState, sample: Sample, now: number): Step {
  const { sent, pending } = state
  const superseded: readonly Withheld[] = pending ? ['rate'] : []
  const send: Step = { state: { sent: sample, sentAt: now, seenAt: now }, send: sample, withheld: superseded }
  if (sent === undefined || sample.quality !== sent.quality) return send

  const { sentAt } = state
  const read = { sent, sentAt, seenAt: now }
  if (!isNews(rule, sent, sample))
    return isHeartbeatDue(rule, state, now) ? send : { state: read, withheld: [...superseded, 'deadband'] }
  if (now - sentAt >= rule.minIntervalMs) return send
  return { state: { ...read, pending: sample }, withheld: superseded }
}

/** Pure: sends what waits for the end of the minimum interval, once that is over. */
export function release(rule: FilterRule, state: FilterState, now: number): Step {
  const { pending, sentAt, seenAt } = state
  if (pending === undefined || now - sentAt < rule.minIntervalMs) return { state, withheld: [] }
  return { state: { sent: pending, sentAt: now, seenAt }, send: pending, withheld: [] }
}

/** At the read that is nearest to the end of the maximum interval, so that jitter does not put it off by one. */
function isHeartbeatDue(rule: FilterRule, { sentAt, seenAt }: FilterState, now: number): boolean {
  const age = now - sentAt
  return age >= rule.minIntervalMs && age + (now - seenAt) / 2 >= rule.maxIntervalMs
}

function isNews({ trigger, band }: FilterRule, sent: Sample, sample: Sample): boolean {
  if (trigger === 'Status') return false
  // OPC UA Part 4, 7.22.2: with a deadband this trigger is as StatusValue.
  if (trigger === 'StatusValueTimestamp' && band === undefined && sample.time !== sent.time) return true
  const difference = distance(sent.value, sample.value)
  if (difference === undefined) return sample.value !== sent.value
  return difference > (band ?? 0)
}

/** Between numbers; exact where they are beyond 2^53. */
function distance(a: Value, b: Value): number | undefined {
  if (typeof a === 'number' && typeof b === 'number') return Math.abs(a - b)
  if ((typeof a !== 'number' && typeof a !== 'bigint') || (typeof b !== 'number' && typeof b !== 'bigint'))
    return undefined
  return Math.abs(Number(BigInt(a) - BigInt(b)))
}
