import Type, { type Static } from 'typebox'

/** From the worst on; API. */
export const severities = ['CRITICAL', 'MAJOR', 'MINOR', 'WARNING'] as const
export type Severity = (typeof severities)[number]
export type AlarmStatus = 'ACTIVE' | 'ACKNOWLEDGED' | 'CLEARED'

/** An alarm as its box tells it. Times are epoch milliseconds. */
export const AlarmState = Type.Object({
  /** `type`, or `type:source` where it is not about the box as a whole. */
  code: Type.String(),
  message: Type.String(),
  /** The first time that it was seen. */
  raisedAt: Type.Integer(),
  /** On the box. */
  id: Type.Optional(Type.String()),
  severity: Type.Optional(Type.Enum([...severities])),
  count: Type.Optional(Type.Integer()),
  lastAt: Type.Optional(Type.Integer()),
  acknowledgedBy: Type.Optional(Type.String()),
  acknowledgedAt: Type.Optional(Type.Integer()),
  clearedAt: Type.Optional(Type.Integer()),
})
export type AlarmState = Static<typeof AlarmState>

/** The box itself, as the source of an alarm or event. */
export const wholeBox = 'device'

export const typeOf = ({ code }: Pick<AlarmState, 'code'>): string => code.split(':', 1)[0] as string
export const sourceOf = ({ code }: Pick<AlarmState, 'code'>): string =>
  code.slice(typeOf({ code }).length + 1) || wholeBox
export const statusOf = ({ clearedAt, acknowledgedBy }: AlarmState): AlarmStatus => {
  if (clearedAt !== undefined) return 'CLEARED'
  return acknowledgedBy === undefined ? 'ACTIVE' : 'ACKNOWLEDGED'
}

/** As the APIs show it. */
export function describeAlarm(alarm: AlarmState, creation = alarm.raisedAt) {
  const { id = alarm.code, message, raisedAt, severity = 'MAJOR', count = 1, lastAt = raisedAt } = alarm
  const { acknowledgedBy, acknowledgedAt, clearedAt } = alarm
  return {
    ...{ id, type: typeOf(alarm), source: sourceOf(alarm), severity, status: statusOf(alarm), text: message },
    ...{ count, firstOccurrence: raisedAt, lastOccurrence: lastAt, creation },
    ...(acknowledgedBy === undefined ? {} : { acknowledgedBy, acknowledgedAt }),
    ...(clearedAt === undefined ? {} : { clearedAt }),
  }
}
export type AlarmView = ReturnType<typeof describeAlarm>

/** Something that has happened on a box. */
export const DeviceEvent = Type.Object({
  /** Grows with each. */
  id: Type.Integer(),
  type: Type.String(),
  source: Type.String(),
  text: Type.String(),
  time: Type.Integer(),
})
export type DeviceEvent = Static<typeof DeviceEvent>
