import Type, { type Static } from 'typebox'
import { parser } from '../core/schema.ts'

/**
 * Why readings did not arrive:
 * deadband, rate  held back by a filter that the configuration asks for
 * type            refused by the type of the data point
 * refused         the outbox could not take it, and its source does not repeat
 * quota, age      dropped from the outbox, the oldest first
 * rejected        the far side will not take it, ever
 * crash           taken but in no commit when the box or the process stopped
 * quarantine      in an outbox that broke; what can be salvaged arrives all the same
 */
export const gapReasons = [
  'deadband',
  'rate',
  'type',
  'refused',
  'quota',
  'age',
  'rejected',
  'crash',
  'quarantine',
] as const
export type GapReason = (typeof gapReasons)[number]

/** A row of the loss ledger: what did not arrive, and why. */
export const Gap = Type.Object({
  /** Grows by row within a ledger. */
  id: Type.Integer({ minimum: 1 }),
  /** The epoch in which the source was counted. */
  epoch: Type.String({ pattern: '^[0-9a-f]{16}$' }),
  /** Absent: any source of the epoch. */
  source: Type.Optional(Type.String()),
  /** The numbers of the lost readings within epoch and source; absent where they got none or it is not known. */
  first: Type.Optional(Type.Integer({ minimum: 1 })),
  last: Type.Optional(Type.Integer({ minimum: 1 })),
  /** Absent: not known. */
  count: Type.Optional(Type.Integer({ minimum: 0 })),
  reason: Type.Enum(gapReasons),
  /** Epoch milliseconds: in this span it happened. */
  since: Type.Integer(),
  until: Type.Integer(),
})
export type Gap = Static<typeof Gap>

/** Agent → hub: rows of a ledger. A row that comes again changes nothing. */
export const GapReport = Type.Object({
  /** Names the ledger; another one begins with another outbox file. */
  ledger: Type.String({ pattern: '^[0-9a-f]{16}$' }),
  rows: Type.Array(Gap),
})
export type GapReport = Static<typeof GapReport>

export const parseGapReport = parser(GapReport)
