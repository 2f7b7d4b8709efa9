import Type, { type Static } from 'typebox'
import { parser } from '../core/schema.ts'
import { AlarmState, DeviceEvent } from './alarm.ts'

/** The newest entry of the box's audit, and the newest that its key has signed for. Hashes in hex. */
export const AuditHead = Type.Object({
  id: Type.Integer(),
  hash: Type.String(),
  /** SHA-256 of the public key. */
  key: Type.String(),
  checkpoint: Type.Optional(
    Type.Object({
      id: Type.Integer(),
      hash: Type.String(),
      time: Type.Integer(),
      after: Type.Integer(),
      signature: Type.String(),
    }),
  ),
})
export type AuditHead = Static<typeof AuditHead>

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
  /** What is measured; absent from older boxes. */
  configuration: Type.Optional(
    Type.Object({
      /** What became of the newest one: "active", "trial", "reverted", "refused". */
      state: Type.String(),
      /** Of the hub's one that is in force. */
      eTag: Type.Optional(Type.String()),
      configurationId: Type.Optional(Type.String()),
      /** Where the newest came from, unless that is in force: "hub", "local", "revert". */
      origin: Type.Optional(Type.String()),
      /** Its eTag. */
      tried: Type.Optional(Type.String()),
      reason: Type.Optional(Type.String()),
      faults: Type.Optional(
        Type.Array(Type.Object({ source: Type.Optional(Type.String()), fault: Type.String() })),
      ),
    }),
  ),
  /** Those that stand, and those that were cleared lately; `moreAlarms` did not fit. */
  alarms: Type.Array(AlarmState),
  moreAlarms: Type.Optional(Type.Integer()),
  /** The newest, from the newest on. */
  events: Type.Optional(Type.Array(DeviceEvent)),
  /** How far the audit of the box has come, so that one that was cut short is noticed. */
  audit: Type.Optional(AuditHead),
})
export type AgentReport = Static<typeof AgentReport>

export const parseAgentReport = parser(AgentReport)
