import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { Forbidden } from '../../core/errors.ts'
import type { HttpServer } from '../../core/http-server.ts'
import { InvalidClient, Unauthorized } from '../errors.ts'
import type { TechnicalTokenLimits } from '../limits.ts'
import type { AppVersion, Registry } from '../registry/index.ts'
import type { AppClient, TechnicalTokens } from '../technical-tokens/index.ts'
import type { IssuedToken } from '../tokens/index.ts'
import { basicIn, readBearer } from './guard.ts'
import type { RateLimit } from './rate.ts'

const Name = Type.String({ minLength: 1, maxLength: 128 })
const app = { appName: Name, appVersion: Name }
const OneTenant = Type.Object({ ...app, hostTenant: Name, userTenant: Name })

const root = '/api/technicaltokenmanager/v3'

export interface TechnicalTokenRoutesDeps {
  technicalTokens: TechnicalTokens
  registry: Registry
  /** Of a version of an app. */
  rate: RateLimit
}

/** Technical Token Manager v3: tokens with which apps work on the data of the tenants that let them. */
export function technicalTokenRoutes(
  server: HttpServer,
  deps: TechnicalTokenRoutesDeps,
  { perRequest, tenantsPerPage }: TechnicalTokenLimits,
): void {
  const { technicalTokens, rate } = deps
  const SeveralTenants = Type.Object({
    ...app,
    hostTenantId: Name,
    userTenantIds: Type.Array(Name, { minItems: 1, maxItems: perRequest, uniqueItems: true }),
  })
  const clients = new WeakMap<FastifyRequest, AppClient>()
  const clientOf = (request: FastifyRequest) => clients.get(request) as AppClient

  /** Only who has shown a secret counts: nobody can use up what is another's. */
  const onRequest = async (request: FastifyRequest) => {
    const key = basicIn(request.headers['x-space-auth-key'])
    if (!key) throw new InvalidClient('X-SPACE-AUTH-KEY with the key of the application is required.', 401)
    const client = await technicalTokens.authenticate(key.clientId, key.secret)
    rate(client.version.clientId)
    clients.set(request, client)
  }

  server.post(`${root}/oauth/token`, { onRequest, schema: { body: OneTenant } }, async (request) => {
    const { appName, appVersion, hostTenant, userTenant } = request.body
    const client = clientOf(request)
    refuseOtherApp(client.version, { appName, appVersion, host: hostTenant })
    return toBody(await technicalTokens.issue(client, userTenant))
  })

  server.post(`${root}/oauthTokens`, { onRequest, schema: { body: SeveralTenants } }, async (request) => {
    const body = request.body
    const client = clientOf(request)
    refuseOtherApp(client.version, { ...body, host: body.hostTenantId })
    const tokens = []
    for (const userTenantId of body.userTenantIds)
      tokens.push({ userTenantId, ...toBody(await technicalTokens.issue(client, userTenantId)) })
    return { tokens }
  })
  userTenantsRoute(server, deps, tenantsPerPage)
}

function userTenantsRoute(
  server: HttpServer,
  { technicalTokens, registry, rate }: TechnicalTokenRoutesDeps,
  tenantsPerPage: number,
): void {
  const Paging = Type.Object({
    page: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
    size: Type.Optional(Type.Integer({ minimum: 1, maximum: tenantsPerPage })),
  })
  server.get(`${root}/userTenants`, { schema: { querystring: Paging } }, async (request) => {
    const bearer = readBearer(request)
    const principal = bearer === undefined ? undefined : await technicalTokens.verify(bearer)
    if (!principal) throw new Unauthorized()
    const { tenant, version } = principal
    if (tenant !== version.host) throw new Forbidden('A token for the host tenant is required.')
    rate(version.clientId)
    const { page: number = 0, size = tenantsPerPage } = request.query
    const { rows, total } = await registry.call('userTenantPage', version, number, size)
    return {
      page: { size, totalElements: total, totalPages: Math.ceil(total / size), number },
      userTenants: rows.map((id) => ({ id })),
    }
  })
}

function refuseOtherApp(
  version: AppVersion,
  { appName, appVersion, host }: { appName: string; appVersion: string; host: string },
): void {
  if (version.app !== appName || version.version !== appVersion || version.host !== host)
    throw new Forbidden('The key is of another application, version or host tenant.')
}

/** A second less than the life: who counts from the answer must not come too late. */
const toBody = ({ token, jti, lifetimeMs, scope }: IssuedToken) => ({
  access_token: token,
  token_type: 'bearer',
  expires_in: Math.floor(lifetimeMs / 1000) - 1,
  scope,
  jti,
})
