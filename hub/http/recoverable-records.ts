import Type from 'typebox'
import { NotFound } from '../../core/errors.ts'
import type { HttpServer } from '../../core/http-server.ts'
import type { Addresses } from '../addresses.ts'
import type { Exchange } from '../mindconnect/exchange.ts'
import type { RecoverableRecord, Uploads } from '../uploads/index.ts'
import type { Guard } from './guard.ts'
import { Listing, toPage, toQuery } from './page.ts'

const Path = Type.Object({ id: Type.String() })
const root = '/api/mindconnect/v3/recoverableRecords'

export interface RecoverableRecordRoutesDeps {
  guard: Guard
  exchange: Exchange
  uploads: Uploads
  addresses: Addresses
}

export function recoverableRecordRoutes(
  server: HttpServer,
  { guard, exchange, uploads, addresses }: RecoverableRecordRoutesDeps,
): void {
  const route = { onRequest: guard.tenant, schema: { params: Path } }
  const find = async (tenant: string, id: string): Promise<RecoverableRecord> => {
    const record = await uploads.call('recoverableRecord', tenant, id)
    if (!record) throw new NotFound('Resource not found.')
    return record
  }

  server.get(root, { onRequest: guard.tenant, schema: { querystring: Listing } }, async (request) => {
    const query = toQuery(guard.callerOf(request), request.query)
    return toPage(query, await uploads.call('recoverableRecordPage', query), (row) => ({
      id: row.id,
      correlationId: row.correlationId,
      agentId: row.agentId,
      requestTime: new Date(row.requestTime).toISOString(),
      dropReason: row.dropReason,
    }))
  })
  server.post(`${root}/:id/replay`, route, async (request, reply) => {
    await exchange.replay(guard.callerOf(request).tenant, request.params.id)
    return reply.status(200).send()
  })
  // A bare JSON text. The link needs a token of the tenant too: a URL gets into logs.
  server.get(`${root}/:id/downloadLink`, route, async (request, reply) => {
    const { id } = await find(guard.callerOf(request).tenant, request.params.id)
    return reply.type('application/json').send(JSON.stringify(`${addresses.base()}${root}/${id}/content`))
  })
  server.get(`${root}/:id/content`, route, async (request) => {
    const { configurationId, records } = await find(guard.callerOf(request).tenant, request.params.id)
    return { configurationId, timeseries: JSON.parse(records) as object[] }
  })
  server.delete(`${root}/:id`, route, async (request, reply) => {
    const removed = await uploads.call(
      'removeRecoverableRecord',
      guard.callerOf(request).tenant,
      request.params.id,
    )
    if (!removed) throw new NotFound('Resource not found.')
    return reply.status(204).send()
  })
}
