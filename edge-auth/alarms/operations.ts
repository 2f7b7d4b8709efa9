import Type from 'typebox'
import type { Operations } from '../../core/control.ts'
import { NotFound } from '../../core/errors.ts'
import { parser } from '../../core/schema.ts'
import { type AlarmState, type DeviceEvent, describeAlarm, severities } from '../../protocol/alarm.ts'
import type { Audit } from '../audit/audit.ts'
import type { Act, Authority } from '../permissions/index.ts'
import type { AlarmMapping, Store } from '../store/index.ts'
import type { AlarmMappings, MappingCondition } from './mappings.ts'

/** The alarms and events of the box, kept elsewhere. */
export interface AlarmBook {
  raise(code: string, message: string): void
  clear(code: string): void
  /** With cleared ones; the newest first. */
  all(): readonly AlarmState[]
  /** By id, or by the code of one that stands. Throws `NotFound`, and `Conflict` when it was cleared. */
  acknowledge(idOrCode: string, by: string): Promise<AlarmState>
  map(mappings: readonly AlarmMapping[]): void
  /** The newest first. */
  events(): readonly DeviceEvent[]
}

/** For a box that keeps none. */
export const noAlarms: AlarmBook = {
  raise: () => {},
  clear: () => {},
  all: () => [],
  acknowledge: async (id) => {
    throw new NotFound(`there is no alarm ${id}`)
  },
  map: () => {},
  events: () => [],
}

const strict = { additionalProperties: false }
export const AlarmType = Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' })
const statuses = ['ACTIVE', 'ACKNOWLEDGED', 'CLEARED'] as const
export const AlarmQuery = Type.Object(
  {
    status: Type.Optional(Type.Enum([...statuses])),
    severity: Type.Optional(Type.Enum([...severities])),
    type: Type.Optional(Type.String()),
    source: Type.Optional(Type.String()),
  },
  strict,
)
export const EventQuery = Type.Object(
  { type: Type.Optional(Type.String()), source: Type.Optional(Type.String()) },
  strict,
)
export const MappingBody = Type.Object(
  {
    severity: Type.Optional(Type.Union([Type.Enum([...severities]), Type.Null()])),
    text: Type.Optional(Type.Union([Type.String({ minLength: 1, maxLength: 300 }), Type.Null()])),
    dropped: Type.Optional(Type.Boolean()),
  },
  strict,
)
const conditions = {
  ifRevision: Type.Optional(Type.Integer({ minimum: 0 })),
  mustExist: Type.Optional(Type.Boolean()),
}
const parseAlarms = parser(AlarmQuery)
const parseEvents = parser(EventQuery)
const parseAck = parser(Type.Object({ id: Type.String({ minLength: 1, maxLength: 256 }) }, strict))
const parseNothing = parser(Type.Object({}, strict))
const parseMapping = parser(Type.Object({ type: AlarmType }, strict))
const parsePut = parser(Type.Object({ type: AlarmType, ...MappingBody.properties, ...conditions }, strict))
const parseRemove = parser(Type.Object({ type: AlarmType, ...conditions }, strict))

export interface AlarmOperationsDeps {
  alarms: AlarmBook
  mappings: AlarmMappings
  authority: Pick<Authority, 'demand'>
  audit: Pick<Audit, 'alarmAcknowledged'>
  store: Pick<Store, 'change'>
}

const need = (act: Act) => ({ category: 'Alarms', act }) as const

export function alarmOperations(deps: AlarmOperationsDeps): Operations {
  const { alarms, authority, audit, store } = deps
  return {
    'alarm.list': async (params, caller) => {
      const { status, severity, type, source } = parseAlarms(params ?? {}, 'alarm.list')
      authority.demand(caller, need('read'))
      return alarms
        .all()
        .map((alarm) => describeAlarm(alarm))
        .filter(
          (alarm) =>
            (status ?? alarm.status) === alarm.status &&
            (severity ?? alarm.severity) === alarm.severity &&
            (type ?? alarm.type) === alarm.type &&
            (source ?? alarm.source) === alarm.source,
        )
    },
    'alarm.ack': async (params, caller) => {
      const { id } = parseAck(params, 'alarm.ack')
      authority.demand(caller, need('update'))
      const alarm = describeAlarm(await alarms.acknowledge(id, caller.user ?? 'machine'))
      await store.change((disk) => disk.call('noteEvents', [audit.alarmAcknowledged(alarm)]))
      return alarm
    },
    'event.list': async (params, caller) => {
      const { type, source } = parseEvents(params ?? {}, 'event.list')
      authority.demand(caller, need('read'))
      return alarms
        .events()
        .filter((event) => (type ?? event.type) === event.type && (source ?? event.source) === event.source)
    },
    ...mappingOperations(deps),
  }
}

function mappingOperations({ mappings, authority }: AlarmOperationsDeps): Operations {
  return {
    'alarm.mappings': async (params, caller) => {
      parseNothing(params ?? {}, 'alarm.mappings')
      authority.demand(caller, need('read'))
      return mappings.list()
    },
    'alarm.mapping': async (params, caller) => {
      const { type } = parseMapping(params, 'alarm.mapping')
      authority.demand(caller, need('read'))
      const mapping = mappings.find(type)
      if (!mapping) throw new NotFound(`alarms of the type ${type} are not mapped`)
      return mapping
    },
    'alarm.map': async (params, caller) => {
      const { ifRevision, mustExist, ...given } = parsePut(params, 'alarm.map')
      const mapping = { severity: null, text: null, dropped: false, ...given, owner: caller.user ?? null }
      const condition = { ifRevision, mustExist } as MappingCondition
      return mappings.put(mapping, condition, () => authority.demand(caller, need('admin')))
    },
    'alarm.unmap': async (params, caller) => {
      const { type, ...condition } = parseRemove(params, 'alarm.unmap')
      await mappings.remove(type, condition as MappingCondition, () =>
        authority.demand(caller, need('admin')),
      )
    },
  }
}
