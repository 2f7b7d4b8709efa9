import { exposition } from '../../core/exposition.ts'
import type { HttpServer } from '../../core/http-server.ts'
import type { HttpTally } from '../../core/http-tally.ts'
import type { Ingest } from '../ingest/index.ts'
import { type Box, hubGauges } from '../metrics.ts'
import type { Registry } from '../registry/index.ts'
import type { Tokens } from '../tokens/index.ts'

export interface HealthDeps {
  registry: Registry
  tokens: Tokens
  ingest: Pick<Ingest, 'state'>
  box: Box
  requests: HttpTally
}

/** Who asks need not say who it is: nothing here names an agent or a tenant. */
export function healthRoutes(server: HttpServer, deps: HealthDeps): void {
  const { registry, tokens, ingest, box, requests } = deps
  server.get('/healthz', async (_request, reply) => {
    const faults = box.faults()
    const status = faults.length === 0 ? 'ok' : 'failing'
    return reply.status(faults.length === 0 ? 200 : 503).send({ status, faults })
  })
  // The stores are open and the listener of the agents is bound before this one is.
  server.get('/readyz', async () => ({ status: 'ready' }))
  server.get('/metrics', async (_request, reply) => {
    const own = await hubGauges({ registry, tokens, state: ingest.state() })
    const { text, contentType } = await exposition([...box.gauges(), ...own, ...requests.gauges()])
    return reply.type(contentType).send(text)
  })
}

/** Beginnings of paths, and what answers below them is counted as. */
const kinds = [
  ['/api/agentmanagement/v3/oauth/', 'token'],
  ['/oauth/', 'token'],
  ['/token_keys', 'token'],
  ['/api/agentmanagement/', 'agents'],
  ['/api/mindconnect/', 'mindconnect'],
  ['/api/technicaltokenmanager/', 'technical_tokens'],
  ['/api/hub/', 'hub'],
  ['/healthz', 'probe'],
  ['/readyz', 'probe'],
  ['/metrics', 'probe'],
] as const

export const hubRoutes: readonly string[] = [...new Set(kinds.map(([, kind]) => kind))]

export const routeOf = (url: string): string | undefined =>
  kinds.find(([beginning]) => url.startsWith(beginning))?.[1]
