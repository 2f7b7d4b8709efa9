import type { HttpServer } from '../../core/http-server.ts'
import type { Uploads } from '../uploads/index.ts'
import { AgentPath } from './agents.ts'
import type { Guard } from './guard.ts'
import { Listing, toPage, toQuery } from './page.ts'

/** Insights Hub has no call for what agents upload of their own kinds; this is ours. */
export function customItemRoutes(
  server: HttpServer,
  { guard, uploads }: { guard: Guard; uploads: Uploads },
): void {
  server.get(
    '/api/hub/v1/agents/:id/items',
    { onRequest: guard.tenant, schema: { params: AgentPath, querystring: Listing } },
    async (request) => {
      const { tenant, id: agentId } = await guard.agentOf(request)
      const query = toQuery({ tenant, agentId }, request.query)
      return toPage(query, await uploads.call('customItemPage', query), (item) => ({
        kind: item.kind,
        details: JSON.parse(item.details) as object,
        contentType: item.contentType,
        content: Buffer.from(item.content).toString('base64'),
        receivedAt: new Date(item.receivedAt).toISOString(),
      }))
    },
  )
}
