import type { Gauge } from '../core/gauge.ts'
import { createHttpServer, listenTcp } from '../core/http-server.ts'
import type { Logger } from '../core/log.ts'
import { exposition } from './metrics.ts'

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
  log: Logger
}

/** The admin listener: its own origin, never behind the apps' proxy. */
export interface Console extends AsyncDisposable {
  listen(): Promise<{ admin: string }>
}

export function createConsole({ health, gauges, log }: ConsoleDeps, config: { listen: string }): Console {
  const server = createHttpServer({ log })
  server.get('/healthz', async (_request, reply) => {
    const { ok, faults } = await health()
    return reply.status(ok ? 200 : 503).send({ status: ok ? 'ok' : 'failing', faults })
  })
  server.get('/metrics', async (_request, reply) => {
    const { text, contentType } = await exposition(await gauges())
    return reply.type(contentType).send(text)
  })
  server.get('/readyz', async () => ({ status: 'ready' }))
  return {
    listen: async () => ({ admin: await listenTcp(server, config.listen, 'admin.listen') }),
    [Symbol.asyncDispose]: () => server.close(),
  }
}
