import { createHash, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import { InvalidClient } from '../errors.ts'
import type { Agent, InitialAccessToken, Registry } from '../registry/index.ts'
import { readAssertion } from './assertion.ts'
import { type Claims, createJwts, toSeconds } from './jwt.ts'
import { loadSigningKeys } from './signing-keys.ts'

/** An agent that an access token speaks for. */
export interface AgentPrincipal {
  tenant: string
  agentId: string
  /** When the access token ends. */
  expiresAt: number
}

/** A tenant's program or person: may do everything within the tenant. */
export interface ServicePrincipal {
  tenant: string
}

export interface IssuedToken {
  token: string
  jti: string
  issuedAt: number
  lifetimeMs: number
  scope: string
}

/** What a verified initial or registration access token names; whether it is in force, the registry says. */
export interface RegistrationToken {
  agentId: string
  jti: string
}

/** What a technical token says; whether that is still so, the registry knows. */
export interface TechnicalClaims {
  clientId: string
  tenant: string
  permissions: readonly string[]
  /** Changes with the app's secret and the tenant's consent. */
  restsOn: string
}

/** Makes and checks every token of the hub. All are JWTs of the hub's signing key. */
export interface Tokens {
  /** Newest first. */
  readonly publicKeys: readonly PublicKey[]
  /** The same token always has the same text. */
  initialAccessToken(agent: Agent, token: InitialAccessToken): Promise<string>
  registrationAccessToken(agent: Agent, ratJti: string, issuedAt: number): Promise<string>
  /** Undefined unless this hub signed it for this use. Says nothing about its age: the registry does. */
  readRegistrationToken(text: string, use: 'initial' | 'registration'): Promise<RegistrationToken | undefined>
  /** Throws `InvalidClient` (400). */
  forAssertion(assertion: string): Promise<IssuedToken>
  /** Throws `InvalidClient` (401). */
  forServiceCredential(clientId: string, secret: string): Promise<IssuedToken>
  /** Undefined also for an agent that was offboarded or removed since, at once. */
  verifyAgent(accessToken: string): Promise<AgentPrincipal | undefined>
  verifyService(accessToken: string): Promise<ServicePrincipal | undefined>
  /** For an app, to work on the data of a tenant. */
  technicalToken(claims: TechnicalClaims, lifetimeMs: number): Promise<IssuedToken>
  /** How many access tokens were made since this start, by whom they speak for. */
  readonly issued: Readonly<Record<'agent' | 'service' | 'technical', number>>
  /** Undefined unless this hub signed it and it has not expired. */
  readTechnical(accessToken: string): Promise<TechnicalClaims | undefined>
}

export interface PublicKey {
  kid: string
  n: string
  e: string
  /** SPKI. */
  pem: string
}

const agentScope = 'mdsp:core:DefaultAgent'
const serviceScope = 'mdsp:core:Admin3rdPartyTechUser'

export const hashSecret = (secret: string): Buffer => createHash('sha256').update(secret).digest()

export async function openTokens(
  { registry, clock, random }: { registry: Registry; clock: Clock; random: Random },
  { tokenLifetimeMs }: { tokenLifetimeMs: number },
): Promise<Tokens> {
  const keys = await loadSigningKeys(registry, clock)
  const jwts = createJwts(keys)
  const issued = { agent: 0, service: 0, technical: 0 }

  async function issue(
    claims: Pick<Claims, 'sub' | 'ten' | 'gen'> & { token_use: 'agent' | 'service' },
    scope: string,
  ): Promise<IssuedToken> {
    const issuedAt = clock.now()
    const jti = random.uuid()
    const exp = toSeconds(issuedAt + tokenLifetimeMs)
    const grant = { client_id: claims.sub, grant_type: 'client_credentials', scope: [scope] }
    const token = await jwts.sign({ ...claims, ...grant, jti, exp }, issuedAt)
    issued[claims.token_use]++
    return { token, jti, issuedAt, lifetimeMs: tokenLifetimeMs, scope }
  }

  return {
    issued,
    publicKeys: keys.map(({ kid, publicKey }) => {
      const { n, e } = publicKey.export({ format: 'jwk' }) as { n: string; e: string }
      return { kid, n, e, pem: publicKey.export({ type: 'spki', format: 'pem' }).toString() }
    }),
    initialAccessToken: ({ id, tenant }, { jti, issuedAt, expiresAt }) =>
      jwts.sign({ jti, sub: id, ten: tenant, token_use: 'initial', exp: toSeconds(expiresAt) }, issuedAt),
    registrationAccessToken: ({ id, tenant }, jti, issuedAt) =>
      jwts.sign({ jti, sub: id, ten: tenant, token_use: 'registration' }, issuedAt),
    async readRegistrationToken(text, use) {
      const claims = await jwts.read(text, use)
      return claims && { agentId: claims.sub, jti: claims.jti }
    },
    async forAssertion(text) {
      const assertion = readAssertion(text, clock.now())
      const agent = await registry.call('findAgent', assertion.agentId)
      if (!agent || (assertion.tenant ?? agent.tenant) !== agent.tenant)
        throw new InvalidClient('the client is unknown', 400)
      for (const credential of await registry.call('credentialsInForce', agent.id, clock.now())) {
        if (!(await assertion.isSignedWith(credential))) continue
        if (credential.keyUsedAt === null) await registry.call('keyUsed', credential.id, clock.now())
        return issue(
          { sub: agent.id, ten: agent.tenant, token_use: 'agent', gen: agent.generation },
          agentScope,
        )
      }
      throw new InvalidClient('no credential in force has signed the assertion', 400)
    },
    async forServiceCredential(clientId, secret) {
      const known = await registry.call('findServiceCredential', clientId)
      if (!known || !timingSafeEqual(known.secretHash, hashSecret(secret)))
        throw new InvalidClient('the service credential is not known', 401)
      return issue({ sub: clientId, ten: known.tenant, token_use: 'service' }, serviceScope)
    },
    async verifyAgent(accessToken) {
      const claims = await jwts.read(accessToken, 'agent', clock.now())
      if (claims?.exp === undefined) return undefined
      const agent = await registry.call('findAgent', claims.sub)
      if (agent?.boardingStatus !== 'ONBOARDED' || agent.generation !== claims.gen) return undefined
      return { tenant: agent.tenant, agentId: agent.id, expiresAt: claims.exp * 1000 }
    },
    async verifyService(accessToken) {
      const claims = await jwts.read(accessToken, 'service', clock.now())
      const credential = claims && (await registry.call('findServiceCredential', claims.sub))
      return credential && { tenant: credential.tenant }
    },
    async technicalToken({ clientId, tenant, permissions, restsOn }, lifetimeMs) {
      const [issuedAt, jti] = [clock.now(), random.uuid()]
      const token = await jwts.sign(
        {
          ...{ jti, sub: clientId, ten: tenant, zid: tenant, token_use: 'technical' },
          ...{ client_id: clientId, cid: clientId, azp: clientId, aud: [clientId] },
          ...{ grant_type: 'client_credentials', rev_sig: restsOn, scope: [...permissions] },
          exp: toSeconds(issuedAt) + toSeconds(lifetimeMs),
        },
        issuedAt,
      )
      issued.technical++
      return { token, jti, issuedAt, lifetimeMs, scope: permissions.join(' ') }
    },
    async readTechnical(accessToken) {
      const claims = await jwts.read(accessToken, 'technical', clock.now())
      if (claims?.rev_sig === undefined || claims.scope === undefined) return undefined
      const { sub: clientId, ten: tenant, scope: permissions, rev_sig: restsOn } = claims
      return { clientId, tenant, permissions, restsOn }
    },
  }
}
