import Type, { type Static } from 'typebox'
import { EdgeError, Invalid } from '../../core/errors.ts'
import { type Http, type HttpResponse, retryAfterMs } from '../../core/net/index.ts'
import { parseJson, parser } from '../../core/schema.ts'
import type { HubLink } from '../store/index.ts'

/** The way to the hub. */
export interface Hub {
  http: Http
  /** Undefined until the box is onboarded. */
  address(): { baseUrl: string; ca?: string } | undefined
}

/** The hub cannot be asked now. Local tokens do not need it. */
export class HubAway extends EdgeError {
  override readonly name = 'HubAway'
  readonly code = 'hub_away'
  override readonly statusCode = 503
  override readonly retryable = true
}

/** The hub has said no; `statusCode` and words are its own. */
export class HubRefused extends EdgeError {
  override readonly name = 'HubRefused'
  readonly code = 'hub_refused'
  override readonly statusCode: number
  override readonly retryAfterMs: number

  constructor(message: string, statusCode: number, retryAfterMs: number) {
    super(message)
    this.statusCode = statusCode
    this.retryAfterMs = retryAfterMs
  }
}

const Token = Type.Object({
  access_token: Type.String(),
  token_type: Type.String(),
  expires_in: Type.Number(),
})
const Several = Type.Object({
  tokens: Type.Array(Type.Object({ userTenantId: Type.String(), ...Token.properties })),
})
const Tenants = Type.Object({
  page: Type.Object({}),
  userTenants: Type.Array(Type.Object({ id: Type.String() })),
})
const parseToken = parser(Token)
const parseSeveral = parser(Several)
const parseTenants = parser(Tenants)
const parseRefusal = parser(Type.Object({ message: Type.String() }))

const root = '/api/technicaltokenmanager/v3'
/** An app waits for it. */
const timeoutMs = 15_000
const maxBytes = 1024 * 1024

/** The hub's Technical Token Manager, asked for a linked app. All throw `HubAway` and `HubRefused`. */
export interface HubTokens {
  token(link: HubLink, hostTenant: string, userTenant: string): Promise<Static<typeof Token>>
  /** In the order of `userTenants`. */
  tokens(
    link: HubLink,
    hostTenant: string,
    userTenants: readonly string[],
  ): Promise<Static<typeof Several>['tokens']>
  /** With a token of the hub for the host tenant; `query` as it came. */
  userTenants(hubToken: string, query: URLSearchParams): Promise<Static<typeof Tenants>>
}

export function createHubTokens(hub: Hub | undefined): HubTokens {
  async function ask<T>(
    request: { method: 'GET' | 'POST'; path: string; headers: Record<string, string>; body?: object },
    parse: (document: unknown, what: string) => T,
  ): Promise<T> {
    const address = hub?.address()
    if (!hub || !address) throw new HubAway('this box is not onboarded at a hub')
    const { method, path, headers, body } = request
    const answer = await hub
      .http({
        ...{ method, url: `${address.baseUrl}${root}${path}`, ca: address.ca, timeoutMs, maxBytes },
        headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
      .catch((cause) => {
        throw new HubAway(`the hub cannot be asked: ${cause.message}`, { cause })
      })
    return read(answer, method === 'POST', parse)
  }
  const asLinked = ({ clientId, version, hubClientId, hubSecret }: HubLink) => ({
    headers: { 'x-space-auth-key': `Basic ${Buffer.from(`${hubClientId}:${hubSecret}`).toString('base64')}` },
    app: { appName: clientId, appVersion: version },
  })

  return {
    token(link, hostTenant, userTenant) {
      const { headers, app } = asLinked(link)
      const body = { ...app, hostTenant, userTenant }
      return ask({ method: 'POST', path: '/oauth/token', headers, body }, parseToken)
    },
    async tokens(link, hostTenantId, userTenantIds) {
      const { headers, app } = asLinked(link)
      const body = { ...app, hostTenantId, userTenantIds }
      const { tokens } = await ask({ method: 'POST', path: '/oauthTokens', headers, body }, parseSeveral)
      return tokens
    },
    userTenants: (hubToken, query) =>
      ask(
        { method: 'GET', path: `/userTenants?${query}`, headers: { authorization: `Bearer ${hubToken}` } },
        parseTenants,
      ),
  }
}

/** Its errors in its own words, but for those that are no business of the app. */
function read<T>(answer: HttpResponse, asApp: boolean, parse: (document: unknown, what: string) => T): T {
  const { status, headers, body } = answer
  if (status >= 500) throw new HubAway(`the hub has answered ${status}`)
  if (status === 401)
    throw asApp
      ? new HubRefused('the hub does not take the credentials that this app is linked with', 403, 0)
      : new HubRefused('the hub does not take this token', 401, 0)
  try {
    const document = parseJson(body.toString(), 'answer of the hub')
    if (status >= 200 && status < 300) return parse(document, 'answer of the hub')
    const said = parseRefusal(document, 'answer of the hub').message.slice(0, 300)
    throw new HubRefused(`the hub: ${said}`, status, retryAfterMs(headers) ?? 0)
  } catch (cause) {
    if (!(cause instanceof Invalid)) throw cause
    throw new HubAway(`the hub has answered ${status} with what cannot be read`, { cause })
  }
}
