import Type from 'typebox'
import { DeviceEvent } from '../../../protocol/alarm.ts'
import { AlarmQuery, AlarmType, EventQuery, MappingBody } from '../../alarms/operations.ts'
import type { AdminRoute } from './route-table.ts'

const Alarm = Type.Object({
  id: Type.String(),
  type: Type.String(),
  source: Type.String(),
  severity: Type.String(),
  status: Type.String(),
  text: Type.String(),
  count: Type.Integer(),
  firstOccurrence: Type.Number(),
  lastOccurrence: Type.Number(),
  creation: Type.Number(),
  acknowledgedBy: Type.Optional(Type.String()),
  acknowledgedAt: Type.Optional(Type.Number()),
  clearedAt: Type.Optional(Type.Number()),
})
const Mapping = Type.Object({
  type: Type.String(),
  severity: Type.Union([Type.String(), Type.Null()]),
  text: Type.Union([Type.String(), Type.Null()]),
  dropped: Type.Boolean(),
  owner: Type.Union([Type.String(), Type.Null()]),
  updatedAt: Type.Number(),
  revision: Type.Integer(),
})
const OfType = Type.Object({ type: AlarmType })
const read = { category: 'Alarms', act: 'read' } as const
const admin = { category: 'Alarms', act: 'admin' } as const
const mapping = '/alarm-mappings/:type'
const params = { type: 'clock_untrusted' }

export const alarmRoutes: readonly AdminRoute[] = [
  {
    id: 'listAlarms',
    method: 'GET',
    path: '/alarms',
    needs: read,
    query: AlarmQuery,
    answer: Type.Array(Alarm),
    operation: 'alarm.list',
    summary: 'Alarms of the box, those that were cleared lately too; the newest first',
  },
  {
    id: 'acknowledgeAlarm',
    method: 'POST',
    path: '/alarms/:id/acknowledgement',
    needs: { category: 'Alarms', act: 'update' },
    params: Type.Object({ id: Type.String({ minLength: 1, maxLength: 256 }) }),
    answer: Alarm,
    operation: 'alarm.ack',
    summary: 'Say that somebody looks after it; it is cleared when its cause goes',
    example: { params: { id: '1' } },
  },
  {
    id: 'listEvents',
    method: 'GET',
    path: '/events',
    needs: read,
    query: EventQuery,
    answer: Type.Array(DeviceEvent),
    operation: 'event.list',
    summary: 'What has happened on the box, the newest first',
  },
  {
    id: 'listAlarmMappings',
    method: 'GET',
    path: '/alarm-mappings',
    needs: read,
    answer: Type.Array(Mapping),
    operation: 'alarm.mappings',
    summary: 'How alarms are told otherwise',
  },
  {
    id: 'getAlarmMapping',
    method: 'GET',
    path: mapping,
    needs: read,
    params: OfType,
    answer: Mapping,
    revisioned: true,
    operation: 'alarm.mapping',
    summary: 'How alarms of a type are told',
    example: { params },
  },
  {
    id: 'putAlarmMapping',
    method: 'PUT',
    path: mapping,
    needs: admin,
    params: OfType,
    body: MappingBody,
    answer: Mapping,
    revisioned: true,
    puts: true,
    operation: 'alarm.map',
    summary: 'Tell alarms of a type with another severity or text, or drop them',
    example: { params, body: { severity: 'MINOR' } },
  },
  {
    id: 'deleteAlarmMapping',
    method: 'DELETE',
    path: mapping,
    needs: admin,
    params: OfType,
    revisioned: true,
    operation: 'alarm.unmap',
    summary: 'Tell alarms of a type as they are',
    example: { params },
  },
]
