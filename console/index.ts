import type { Gauge } from '../core/gauge.ts'
import { requireAccess } from '../core/http-access.ts'
import { createHttpServer, type HttpServer, listenTcp } from '../core/http-server.ts'
import type { Logger } from '../core/log.ts'
import { release } from '../core/release.ts'
import { exposition } from './metrics.ts'
import { describeApi } from './openapi.ts'
import { pages } from './pages.ts'

export interface Health {
  /** Every store answered lately; says nothing of the hub, which a healthy box may be without. */
  ok: boolean
  /** What does not work, in words. */
  faults: string[]
}

export interface ConsoleDeps {
  health(): Promise<Health>
  /** The numbers of this box, as they are now. */
  gauges(): Promise<Gauge[]>
  /** Adds the routes by which users are administered. */
  administration(server: HttpServer): Promise<void>
  log: Logger
}

/** The admin listener: its own origin, never behind the apps' proxy. */
export interface Console extends AsyncDisposable {
  listen(): Promise<{ admin: string }>
}

const anyone = { access: 'anyone' as const }

export function createConsole(
  { health, gauges, administration, log }: ConsoleDeps,
  config: { listen: string },
): Console {
  const server = createHttpServer({ log })
  requireAccess(server)
  const description = describeApi(server, release)
  server.removeContentTypeParser('text/plain')
  server.addHook('onSend', async (_request, reply) => {
    for (const [name, value] of Object.entries(protectiveHeaders))
      if (!reply.hasHeader(name)) reply.header(name, value)
    if (reply.statusCode === 503) reply.header('retry-after', '2')
  })

  server.get('/healthz', { config: anyone }, async (_request, reply) => {
    const { ok, faults } = await health()
    return reply.status(ok ? 200 : 503).send({ status: ok ? 'ok' : 'failing', faults })
  })
  server.get('/metrics', { config: anyone }, async (_request, reply) => {
    const { text, contentType } = await exposition(await gauges())
    return reply.type(contentType).send(text)
  })
  server.get('/readyz', { config: anyone }, async () => ({ status: 'ready' }))
  server.get('/api/v1/openapi.json', { config: anyone }, async () => description())
  server.register((scope) => pages(scope as unknown as HttpServer))
  server.register((scope) => administration(scope as unknown as HttpServer))
  return {
    async listen() {
      const admin = await listenTcp(server, config.listen, 'admin.listen')
      log.debug({ routes: server.routePolicies }, 'who may call what on the admin listener')
      return { admin }
    },
    [Symbol.asyncDispose]: () => server.close(),
  }
}

/** No other origin may show or read what is answered here. What a route says itself stands. */
const protectiveHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}
