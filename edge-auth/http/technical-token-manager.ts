import type { FastifyReply, FastifyRequest } from 'fastify'
import { decodeJwt } from 'jose'
import Type from 'typebox'
import { Forbidden } from '../../core/errors.ts'
import type { HttpServer } from '../../core/http-server.ts'
import type { Client } from '../apps/apps.ts'
import { basicCredentials } from '../apps/client.ts'
import { InvalidClient } from '../apps/client-errors.ts'
import { isForThisBox } from '../apps/technical-tokens.ts'
import { HubAway } from '../hub-links/hub-tokens.ts'
import type { HubLink } from '../store/index.ts'
import type { HttpDeps } from './deps.ts'
import { senderOf } from './request.ts'
import type { Surface } from './route.ts'

const Name = Type.String({ minLength: 1, maxLength: 128 })
const app = { appName: Name, appVersion: Name }
const OneTenant = Type.Object({ ...app, hostTenant: Name, userTenant: Name })
const SeveralTenants = Type.Object({
  ...app,
  hostTenantId: Name,
  userTenantIds: Type.Array(Name, { minItems: 1, maxItems: 5, uniqueItems: true }),
})
const Paging = Type.Object({
  page: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
  size: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
})
const root = '/api/technicaltokenmanager/v3'

/**
 * Technical Token Manager v3 for the apps of the box. The box itself is a user tenant, whose tokens need
 * no hub; those of the hub's tenants come from the hub, for versions that are linked to an app there.
 */
export async function technicalTokenManager(server: HttpServer, deps: HttpDeps, surface: Surface) {
  tokenRoutes(server, deps, surface)
  userTenantsRoute(server, deps)
}

function tokenRoutes(server: HttpServer, deps: HttpDeps, surface: Surface): void {
  const { apps, technical, hubTokens, localTenant } = deps
  const clients = new WeakMap<FastifyRequest, Client>()
  const keyOfApp = async (request: FastifyRequest): Promise<void> => {
    const { clientId, secret } = basicCredentials(String(request.headers['x-space-auth-key'] ?? '')) ?? {}
    const client = clientId && secret ? apps.bySecret(clientId, secret) : undefined
    if (!client) throw new InvalidClient('wrong_secret', clientId?.slice(0, 64))
    clients.set(request, client)
  }
  const clientOf = (request: FastifyRequest, asked: { appName: string; appVersion: string }): Client => {
    const client = clients.get(request) as Client
    if (client.app.clientId !== asked.appName || client.version.version !== asked.appVersion)
      throw new Forbidden('the key is of another app or version')
    return client
  }
  const localToken = async (client: Client, request: FastifyRequest) => {
    const wish = { audience: [], scope: undefined }
    const { token, claims } = await technical.issue(client, wish, senderOf(request, surface))
    return {
      ...{ access_token: token, token_type: 'bearer', expires_in: claims.exp - claims.iat },
      ...{ scope: claims.scp.join(' '), jti: claims.jti, local: true },
    }
  }

  const config = { access: keyOfApp }
  server.post(`${root}/oauth/token`, { config, schema: { body: OneTenant } }, async (request) => {
    const { hostTenant, userTenant } = request.body
    const client = clientOf(request, request.body)
    if (userTenant === localTenant) return localToken(client, request)
    return orLocally(deps, hubTokens.token(linkOf(deps, client), hostTenant, userTenant))
  })
  server.post(`${root}/oauthTokens`, { config, schema: { body: SeveralTenants } }, async (request) => {
    const { hostTenantId, userTenantIds } = request.body
    const client = clientOf(request, request.body)
    const ofHub = userTenantIds.filter((id) => id !== localTenant)
    const tokens: { userTenantId: string }[] = []
    if (ofHub.length > 0)
      tokens.push(...(await orLocally(deps, hubTokens.tokens(linkOf(deps, client), hostTenantId, ofHub))))
    if (userTenantIds.includes(localTenant))
      tokens.push({ userTenantId: localTenant, ...(await localToken(client, request)) })
    const placeOf = ({ userTenantId }: { userTenantId: string }) => userTenantIds.indexOf(userTenantId)
    return { tokens: tokens.sort((one, other) => placeOf(one) - placeOf(other)) }
  })
}

function userTenantsRoute(server: HttpServer, deps: HttpDeps): void {
  const { hubLinks, hubTokens } = deps
  /** Tokens of the hub, for it to verify. A token of the box is none. */
  const hubBearers = new WeakMap<FastifyRequest, string>()
  const ownToken = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? ''
    if (await isLocal(deps, token)) return
    if (!hubLinks.byHubClientId(claimedClient(token) ?? '')) {
      reply.header('www-authenticate', 'Bearer realm="edgeward", error="invalid_token"')
      throw new InvalidClient('wrong_token')
    }
    hubBearers.set(request, token)
  }
  server.get(
    `${root}/userTenants`,
    { config: { access: ownToken }, schema: { querystring: Paging } },
    async (request, reply) => {
      const { page = 0, size = 500 } = request.query
      const bearer = hubBearers.get(request)
      if (bearer !== undefined) {
        const query = new URLSearchParams({ page: String(page), size: String(size) })
        return orLocally(deps, hubTokens.userTenants(bearer, query))
      }
      reply.header('warning', '199 edgeward "a token of this box opens no tenant of the hub"')
      const none = { size, totalElements: 0, totalPages: 0, number: page }
      return { page: none, userTenants: [], local: true }
    },
  )
}

const localOnly = ({ localTenant }: HttpDeps): string =>
  `without the hub there are only tokens for this box, the user tenant ${localTenant}`

function linkOf(deps: HttpDeps, { app: { clientId }, version: { version } }: Client): HubLink {
  const link = deps.hubLinks.find(clientId, version)
  if (link) return link
  const why = `app ${clientId} ${version} is not linked to an app of the hub`
  throw new Forbidden(`${why}; ${localOnly(deps)}`, 'not_linked')
}

/** Where the hub does not answer, the app learns what it can have all the same. */
async function orLocally<T>(deps: HttpDeps, asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (error) {
    if (!(error instanceof HubAway)) throw error
    throw new HubAway(`${error.message}; ${localOnly(deps)}`, { cause: error })
  }
}

async function isLocal({ tokens, technical }: HttpDeps, token: string): Promise<boolean> {
  const read = await tokens.read(token)
  return read?.is === 'technical' && isForThisBox(read.claims) && technical.owner(read.claims) !== undefined
}

/** Of a token of the hub, which the hub will verify. */
function claimedClient(token: string): string | undefined {
  try {
    const { client_id } = decodeJwt(token)
    return typeof client_id === 'string' ? client_id : undefined
  } catch {
    return undefined
  }
}
