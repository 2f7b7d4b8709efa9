import Type from 'typebox'
import type { HttpServer } from '../../core/http-server.ts'
import type { Exchange } from '../mindconnect/exchange.ts'
import type { Guard } from './guard.ts'

const Query = Type.Object({ senderId: Type.String() })
const Body = Type.Object({ timeseries: Type.Array(Type.Unknown(), { maxItems: 100_000 }) })

/** Time series of an agent, from whoever may write them: the form that agents send over MQTT. */
export function ingestRoutes(
  server: HttpServer,
  { guard, exchange }: { guard: Guard; exchange: Exchange },
  { bodyLimit }: { bodyLimit: number },
): void {
  server.post(
    '/api/mindconnect/v3/ingest',
    { bodyLimit, onRequest: guard.tenantOrAgent, schema: { querystring: Query, body: Body } },
    async (request, reply) => {
      const { id } = await guard.ownAgent(request, request.query.senderId)
      await exchange.takeTimeSeries(id, Buffer.from(JSON.stringify(request.body)))
      return reply.status(200).send()
    },
  )
}
