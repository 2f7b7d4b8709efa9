import { exposition } from '../core/exposition.ts'
import type { Gauge } from '../core/gauge.ts'
import { requireAccess } from '../core/http-access.ts'
import { createHttpServer, type HttpServer, listenTcp } from '../core/http-server.ts'
import { createHttpTally } from '../core/http-tally.ts'
import type { Logger } from '../core/log.ts'
import { release } from '../core/release.ts'
import { readPages } from './files.ts'
import { describeApi } from './openapi.ts'
import { pages } from './pages.ts'

export interface Health {
  /** Useful work was done lately; says nothing of the hub, which a healthy box may be without. */
  ok: boolean
  /** What does not work, in words. */
  faults: string[]
}

export interface ConsoleDeps {
  health(): Health
  /** What is not open yet, or not any more, in words: while there is something, nobody should be sent here. */
  missing(): string[]
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

/** How many files the pages are made of. Throws when one cannot be read. */
export const pageCount = (): number => readPages().length

const anyone = { access: 'anyone' as const }

export function createConsole(
  { health, missing, gauges, administration, log }: ConsoleDeps,
  config: { listen: string },
): Console {
  const server = createHttpServer({ log })
  requireAccess(server)
  const requests = createHttpTally('admin', ['api', 'probe', 'page'])
  requests.watch(server, kindOf)
  const description = describeApi(server, release)
  server.removeContentTypeParser('text/plain')
  server.addHook('onSend', async (_request, reply) => {
    for (const [name, value] of Object.entries(protectiveHeaders))
      if (!reply.hasHeader(name)) reply.header(name, value)
    if (reply.statusCode === 503) reply.header('retry-after', '2')
  })

  server.get('/healthz', { config: anyone }, async (_request, reply) => {
    const { ok, faults } = health()
    return reply.status(ok ? 200 : 503).send({ status: ok ? 'ok' : 'failing', faults })
  })
  server.get('/metrics', { config: anyone }, async (_request, reply) => {
    const { text, contentType } = await exposition([...(await gauges()), ...requests.gauges()])
    return reply.type(contentType).send(text)
  })
  server.get('/readyz', { config: anyone }, async (_request, reply) => {
    const lacks = missing()
    if (lacks.length === 0) return { status: 'ready' }
    return reply.status(503).send({ status: 'not ready', missing: lacks })
  })
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

const probes = ['/healthz', '/readyz', '/metrics']

/** What no route serves is of no kind. */
function kindOf(url: string): string | undefined {
  if (url === '') return undefined
  if (probes.includes(url)) return 'probe'
  return url.startsWith('/api/') ? 'api' : 'page'
}

/** No other origin may show or read what is answered here. What a route says itself stands. */
const protectiveHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}
