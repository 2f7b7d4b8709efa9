import type { Clock } from '../core/clock.ts'
import { Invalid } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import { type Random, randomSecret } from '../core/random.ts'
import type { Registration, RegistrationRequest } from '../protocol/registration.ts'
import type { Addresses } from './addresses.ts'
import { TokenRefused } from './errors.ts'
import type { RatPolicy, RegistrationAttempt, Registry } from './registry/index.ts'
import type { Tokens } from './tokens/index.ts'
import { normalizeJwk } from './tokens/public-jwk.ts'

/** How an agent gets its credentials and renews them. Throws `TokenRefused`, or `Invalid` for the request. */
export interface Registrations {
  register(request: PresentedRequest): Promise<Registration>
  /** `clientId` is the one in the path. */
  rotate(clientId: string, request: PresentedRequest): Promise<Registration>
}

export interface PresentedRequest {
  /** The bearer token: initial access token to register, registration access token to rotate. */
  token: string
  body: RegistrationRequest
  idempotencyKey: string | undefined
}

export interface RegistrationsDeps {
  registry: Registry
  tokens: Tokens
  addresses: Addresses
  clock: Clock
  random: Random
  log: Logger
}

export function createRegistrations(
  { registry, tokens, addresses, clock, random, log }: RegistrationsDeps,
  { credentialLifetimeMs, ratPolicy }: { credentialLifetimeMs: number; ratPolicy: RatPolicy },
): Registrations {
  async function attempt(
    use: 'initial' | 'registration',
    { token, body, idempotencyKey }: PresentedRequest,
  ): Promise<RegistrationAttempt> {
    const presented = await tokens.readRegistrationToken(token, use)
    if (!presented) throw new TokenRefused()
    const { agentId, jti: presentedJti } = presented
    if ((body.client_id ?? agentId) !== agentId) throw new Invalid('client_id is of another agent')
    const jwk = body.jwks?.keys[0]
    return {
      agentId,
      presentedJti,
      idempotencyKey: idempotencyKey ?? null,
      key: jwk ? { jwk: normalizeJwk(jwk) } : { secret: randomSecret(random) },
      ratJti: random.uuid(),
      now: clock.now(),
      lifetimeMs: credentialLifetimeMs,
      ratPolicy,
    }
  }

  async function carryOut(
    method: 'register' | 'rotate',
    attempted: RegistrationAttempt,
  ): Promise<Registration> {
    const { agentId } = attempted
    const uri = `${addresses.base()}/api/agentmanagement/v3/register/${agentId}` // may throw: before the change
    const { secret, ratJti, issuedAt, expiresAt } = await registry.call(method, attempted)
    const agent = await registry.call('findAgent', agentId)
    if (!agent) throw new TokenRefused() // removed in between
    log.info({ agentId, method, expiresAt }, 'credential handed out')
    return {
      client_id: agentId,
      ...(secret === undefined ? {} : { client_secret: secret }),
      client_secret_expires_at: Math.floor(expiresAt / 1000),
      registration_access_token: await tokens.registrationAccessToken(agent, ratJti, issuedAt),
      registration_client_uri: uri,
      grant_types: ['client_credentials'],
      token_endpoint_auth_method: secret === undefined ? 'private_key_jwt' : 'client_secret_jwt',
    }
  }

  return {
    register: async (request) => carryOut('register', await attempt('initial', request)),
    async rotate(clientId, request) {
      const rotation = await attempt('registration', request)
      if (rotation.agentId !== clientId) throw new TokenRefused()
      return carryOut('rotate', rotation)
    },
  }
}
