import { Invalid } from '../../core/errors.ts'
import type { HttpServer } from '../../core/http-server.ts'
import type { Random } from '../../core/random.ts'
import { Unauthorized } from '../errors.ts'
import type { Exchange } from '../mindconnect/exchange.ts'
import { readItems } from '../mindconnect/items.ts'
import type { Registry } from '../registry/index.ts'
import { correlationId } from './errors.ts'
import type { Guard } from './guard.ts'
import type { RateLimit } from './rate.ts'

export interface ExchangeRoutesDeps {
  guard: Guard
  exchange: Exchange
  registry: Registry
  random: Random
  rate: RateLimit
}

export function exchangeRoutes(
  server: HttpServer,
  { guard, exchange, registry, random, rate }: ExchangeRoutesDeps,
  { bodyLimit }: { bodyLimit: number },
): void {
  // In a scope of its own, since nowhere else is a body of that size and type read.
  server.register(async (scope) => {
    scope.addContentTypeParser(/^multipart\//, { parseAs: 'buffer', bodyLimit }, (_request, body, done) =>
      done(null, body),
    )
    scope.post(
      '/api/mindconnect/v3/exchange',
      {
        bodyLimit,
        onRequest: [guard.agent, async (request) => rate(guard.callerOf(request).agentId ?? '')],
      },
      async (request, reply) => {
        if (!Buffer.isBuffer(request.body)) throw new Invalid('an exchange is multipart/mixed')
        const items = readItems(request.body, request.headers['content-type'] ?? '')
        const sender = await registry.call('findAgent', guard.callerOf(request).agentId ?? '')
        if (!sender) throw new Unauthorized() // removed while it was sending
        await exchange.receive(sender, items, correlationId(request) ?? random.uuid().replaceAll('-', ''))
        return reply.status(200).send()
      },
    )
  })
}
