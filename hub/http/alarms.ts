import Type from 'typebox'
import type { HttpServer } from '../../core/http-server.ts'
import { severities } from '../../protocol/alarm.ts'
import { listAlarms, listEvents } from '../alarms/operations.ts'
import type { ReadingStore } from '../store/index.ts'
import { AgentPath } from './agents.ts'
import type { Guard } from './guard.ts'

const Query = Type.Object(
  {
    all: Type.Optional(Type.Enum(['true', 'false'])),
    severity: Type.Optional(Type.Enum([...severities])),
    type: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
)
const root = '/api/hub/v1/agents/:id'

/** Our own extensions: alarms and events of the boxes. */
export function alarmRoutes(
  server: HttpServer,
  { guard, store }: { guard: Guard; store: ReadingStore },
): void {
  const onRequest = guard.tenant
  server.get(
    `${root}/alarms`,
    { onRequest, schema: { params: AgentPath, querystring: Query } },
    async (request) => {
      const { all, ...query } = request.query
      const { id } = await guard.agentOf(request)
      return { alarms: await listAlarms(store, id, { ...query, all: all === 'true' }) }
    },
  )
  server.get(`${root}/events`, { onRequest, schema: { params: AgentPath } }, async (request) => ({
    events: await listEvents(store, (await guard.agentOf(request)).id),
  }))
}
