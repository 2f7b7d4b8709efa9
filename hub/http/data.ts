import type { HttpServer } from '../../core/http-server.ts'
import { GapsPage, GapsQuery, queryGaps } from '../gaps.ts'
import { queryReadings, ReadingsPage, ReadingsQuery } from '../readings.ts'
import { agentStatus } from '../status.ts'
import type { ReadingStore } from '../store/index.ts'
import { AgentPath, type Presence } from './agents.ts'
import type { Guard } from './guard.ts'

export interface DataRoutesDeps {
  guard: Guard
  store: ReadingStore
  presence: Presence
}

const root = '/api/hub/v1/agents/:id'

/** Our own extensions: what agents have sent, and what they have lost. */
export function dataRoutes(server: HttpServer, { guard, store, presence }: DataRoutesDeps): void {
  const onRequest = guard.tenant
  server.get(
    `${root}/readings`,
    { onRequest, schema: { params: AgentPath, querystring: ReadingsQuery, response: { 200: ReadingsPage } } },
    async (request) => queryReadings(store, (await guard.agentOf(request)).id, request.query),
  )
  server.get(
    `${root}/gaps`,
    { onRequest, schema: { params: AgentPath, querystring: GapsQuery, response: { 200: GapsPage } } },
    async (request) => queryGaps(store, (await guard.agentOf(request)).id, request.query),
  )
  server.get(`${root}/status`, { onRequest, schema: { params: AgentPath } }, async (request) =>
    agentStatus({ store, presence }, (await guard.agentOf(request)).id),
  )
}
