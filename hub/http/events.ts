import Type from 'typebox'
import type { Clock } from '../../core/clock.ts'
import { Invalid } from '../../core/errors.ts'
import type { HttpServer } from '../../core/http-server.ts'
import type { Random } from '../../core/random.ts'
import { parseTimestamp } from '../../protocol/timestamp.ts'
import type { EventRow, Uploads } from '../uploads/index.ts'
import type { Guard } from './guard.ts'
import { Listing, toHal, toQuery } from './page.ts'

/** Further properties depend on the event's type and are kept. */
const Event = Type.Object({
  entityId: Type.String({ minLength: 1, maxLength: 36 }),
  timestamp: Type.String({ maxLength: 64 }),
})
const root = '/api/eventmanagement/v3/events'

export function eventRoutes(
  server: HttpServer,
  { guard, uploads, random, clock }: { guard: Guard; uploads: Uploads; random: Random; clock: Clock },
): void {
  server.post(root, { onRequest: guard.tenantOrAgent, schema: { body: Event } }, async (request, reply) => {
    const { tenant, agentId = '' } = guard.callerOf(request)
    const { entityId, timestamp } = request.body
    const time = parseTimestamp(timestamp)
    if (time === undefined) throw new Invalid('timestamp is not ISO 8601 with a zone')
    const event = {
      id: random.uuid(),
      tenant,
      agentId,
      entityId,
      time,
      document: JSON.stringify(request.body),
    }
    const none = { files: [], items: [], records: [], messages: [] }
    await uploads.call('keep', { ...none, events: [event] }, clock.now())
    return reply.status(201).header('etag', '"0"').send(toBody(event))
  })
  server.get(root, { onRequest: guard.tenant, schema: { querystring: Listing } }, async (request) => {
    const query = toQuery(guard.callerOf(request), request.query)
    return toHal('events', query, await uploads.call('eventPage', query), toBody)
  })
}

const toBody = ({ id, entityId, document }: EventRow) => ({
  ...(JSON.parse(document) as object),
  id,
  entityId,
  etag: 0,
})
