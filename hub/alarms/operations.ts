import Type from 'typebox'
import type { Operations } from '../../core/control.ts'
import { parser } from '../../core/schema.ts'
import { describeAlarm, severities } from '../../protocol/alarm.ts'
import type { Agent } from '../registry/index.ts'
import type { ReadingStore } from '../store/index.ts'

export const AlarmsQuery = Type.Object(
  {
    /** With those that were cleared. */
    all: Type.Optional(Type.Boolean()),
    severity: Type.Optional(Type.Enum([...severities])),
    type: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
)
const strict = { additionalProperties: false }
const parseAlarms = parser(
  Type.Object({ agent: Type.Optional(Type.String()), ...AlarmsQuery.properties }, strict),
)
const parseEvents = parser(Type.Object({ agent: Type.String() }, strict))

const maxListed = 1_000

export interface ListedQuery {
  all?: boolean
  severity?: string
  type?: string
}

/** Alarms of one agent, or of all. The newest first. */
export async function listAlarms(
  store: Pick<ReadingStore, 'alarms'>,
  agentId: string | undefined,
  { all = false, severity, type }: ListedQuery,
) {
  const found = await store.alarms(agentId, all, maxListed)
  return found
    .map(({ agent, createdAt, alarm }) => ({ agent, ...describeAlarm(alarm, createdAt) }))
    .filter((alarm) => (severity ?? alarm.severity) === alarm.severity && (type ?? alarm.type) === alarm.type)
}

export const listEvents = (store: Pick<ReadingStore, 'events'>, agentId: string) =>
  store.events(agentId, maxListed)

export interface AlarmOperationsDeps {
  store: ReadingStore
  /** By id or name; throws `NotFound`. */
  find(idOrName: string): Promise<Agent>
}

export const alarmOperations = ({ store, find }: AlarmOperationsDeps): Operations => ({
  async 'alarm.list'(given) {
    const { agent, ...query } = parseAlarms(given ?? {}, 'alarm.list')
    return listAlarms(store, agent === undefined ? undefined : (await find(agent)).id, query)
  },
  async 'event.list'(given) {
    const { agent } = parseEvents(given, 'event.list')
    return listEvents(store, (await find(agent)).id)
  },
})
