import Type, { type Static } from 'typebox'
import { parser } from '../core/schema.ts'

/** Agent → hub: the state of the box, so that its operator need not go there. The newest counts. */
export const AgentReport = Type.Object({
  /** Epoch milliseconds. */
  time: Type.Integer(),
  release: Type.String(),
  outbox: Type.Object({
    /** Not acknowledged yet. */
    readings: Type.Integer(),
    /** On disk. */
    bytes: Type.Integer(),
    /** Epoch milliseconds: when the oldest of them was taken in. */
    oldestAt: Type.Optional(Type.Integer()),
    /** Lost since this start, by reason (gap.ts). */
    lost: Type.Record(Type.String(), Type.Integer()),
  }),
  /** What the box writes to its flash, and how long that lasts; absent while not known. */
  flash: Type.Optional(Type.Object({ bytesPerDay: Type.Number(), years: Type.Optional(Type.Number()) })),
  sources: Type.Array(
    Type.Object({ name: Type.String(), state: Type.String(), reason: Type.Optional(Type.String()) }),
  ),
  alarms: Type.Array(Type.Object({ code: Type.String(), message: Type.String(), raisedAt: Type.Integer() })),
})
export type AgentReport = Static<typeof AgentReport>

export const parseAgentReport = parser(AgentReport)
