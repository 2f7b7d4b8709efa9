import type { Clock } from '../../core/clock.ts'
import { Invalid } from '../../core/errors.ts'
import type { HttpServer } from '../../core/http-server.ts'
import type { Random } from '../../core/random.ts'
import { allScopesOf } from '../apps/access.ts'
import type { Client } from '../apps/apps.ts'
import { InvalidClient } from '../apps/client-errors.ts'
import type { TechnicalTokens } from '../apps/technical-tokens.ts'
import type { Audit } from '../audit/audit.ts'
import type { Identify, Identity } from '../sessions/identify.ts'
import type { ExternalTokens } from '../sso/index.ts'
import type { User } from '../store/index.ts'
import type { Claims, Read, TechnicalClaims } from '../tokens/claims.ts'
import type { Tokens } from '../tokens/tokens.ts'
import type { AppGroups } from '../users/app-groups.ts'
import type { Users } from '../users/users.ts'
import type { HttpDeps } from './deps.ts'
import { type FormEndpoint, type Question, RateExceeded, type Reply, serveForm } from './form-endpoint.ts'
import type { IntrospectionCounts } from './introspection-count.ts'
import type { AskingClient } from './oauth-client.ts'
import { readForm } from './oauth-form.ts'
import { introspectPaths } from './oauth-paths.ts'
import type { RateLimit } from './rate.ts'
import type { Surface } from './route.ts'

export interface IntrospectionDeps {
  askingClient: AskingClient
  identify: Identify
  tokens: Tokens
  technical: TechnicalTokens
  /** Tokens of identity providers. */
  external: ExternalTokens
  users: Users
  groups: Pick<AppGroups, 'rolesFor'>
  audit: Audit
  clock: Clock
  random: Random
  /** Of who shows no credentials, by address. */
  openRate: RateLimit
  counts: IntrospectionCounts
  /** `client_id` of what is said about people's tokens. */
  boxId: string
}

/**
 * RFC 7662, with the members that edge apps know. `open`: also for who shows no client credentials. Nothing
 * is awaited for an asker and a token that are known: apps ask this for every request of theirs.
 */
export function createIntrospection(deps: IntrospectionDeps, { open }: { open: boolean }): FormEndpoint {
  const { askingClient, identify, tokens, technical, external, openRate, counts } = deps
  const sayUser = createSayUser(deps)

  return async (question) => {
    try {
      const form = readForm(question.body)
      const asking = askingClient(question, form)
      const client = asking instanceof Promise ? await asking : asking
      if (!client && !open) throw new InvalidClient('no_credentials')
      if (!client) refuseTooMany(openRate, question)
      const token = form.one('token')
      if (token === undefined) throw new Invalid('token is missing')

      const outside = external.enabled() ? await external.identify(token) : undefined
      const read = outside ? undefined : (tokens.known(token) ?? (await tokens.read(token)))
      const identity = outside ?? identify.byRead(read)
      if (identity) {
        counts.active++
        return { status: 200, body: sayUser(identity, client?.app.clientId) }
      }
      if (read?.is === 'technical' && technical.mayIntrospect(client, read.claims)) {
        const owner = technical.owner(read.claims)
        if (owner) {
          counts.active++
          return { status: 200, body: sayApp(read.claims, owner) }
        }
      }
      counts.inactive++
      return inactive(deps, question, client, read)
    } catch (error) {
      counts.refused++
      throw error
    }
  }
}

function refuseTooMany(openRate: RateLimit, question: Question): void {
  const waitMs = openRate(question.sender().address ?? '')
  if (waitMs !== undefined) throw new RateExceeded(waitMs)
}

/**
 * An app learns the roles that the user has there. While nothing about a user changes, nor do the words
 * about the token.
 */
function createSayUser({ boxId, groups }: Pick<IntrospectionDeps, 'boxId' | 'groups'>) {
  const said = new WeakMap<Claims, { user: User; roles: readonly string[]; body: string }>()
  return ({ claims, user }: Identity, clientId: string | undefined): string => {
    const roles = groups.rolesFor(user, clientId)
    const before = said.get(claims)
    if (before?.user === user && before.roles === roles) return before.body
    const { sub, exp, iat, nbf, iss, scp } = claims
    const body = JSON.stringify({
      active: true,
      scope: scp.join(' '),
      client_id: boxId,
      ...{ sub, exp, iat, nbf, aud: [], iss },
      token_type: 'Bearer',
      token_use: 'access_token',
      ext: { roles },
    })
    said.set(claims, { user, roles, body })
    return body
  }
}

/** A scope that the app has lost is not in its token any more. */
function sayApp({ scp, client_id, sub, exp, iat, nbf, aud, iss }: TechnicalClaims, { app }: Client): string {
  const mayHave = allScopesOf(app)
  return JSON.stringify({
    active: true,
    scope: scp.filter((one) => mayHave.includes(one)).join(' '),
    ...{ client_id, sub, exp, iat, nbf, aud, iss },
    token_type: 'Bearer',
    token_use: 'access_token',
    ext: { roles: [] },
  })
}

/** The same for every cause; the cause stands in the audit, under the request id. */
const inactiveBody = '{"active":false}'

function inactive(
  deps: IntrospectionDeps,
  question: Question,
  client: Client | undefined,
  read: Read | undefined,
): Reply {
  const requestId = deps.random.uuid()
  const { reason, user } = why(deps, read)
  const clientId = client?.app.clientId
  deps.audit.introspectionRefused({ reason, user, clientId, requestId, ...question.sender() })
  return { status: 200, headers: { 'x-request-id': requestId }, body: inactiveBody }
}

function why({ technical, users, clock }: IntrospectionDeps, read: Read | undefined) {
  if (!read) return { reason: 'not_ours', user: undefined }
  if (read.is === 'technical') return { reason: technical.whyNot(read.claims), user: undefined }
  const user = users.find(read.claims.sub)
  const { sub, exp } = read.claims
  if (!user || !users.active(user)) return { reason: user ? 'user_disabled' : 'user_removed', user: sub }
  return { reason: clock.now() < exp * 1000 ? 'session_ended' : 'expired', user: sub }
}

/** What answers on this way in. */
export const introspectionOn = (
  { introspect }: HttpDeps['oauth'],
  { openIntrospection }: Surface,
): FormEndpoint => (openIntrospection ? introspect.open : introspect.closed)

export async function introspection(server: HttpServer, { log, oauth }: HttpDeps, surface: Surface) {
  serveForm(server, introspectPaths, introspectionOn(oauth, surface), {
    surface,
    log,
  })
}
