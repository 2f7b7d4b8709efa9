import { createHash, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { EdgeError, Forbidden } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import { InvalidClient } from '../errors.ts'
import type { TechnicalTokenLimits } from '../limits.ts'
import type { AppVersion, Registry } from '../registry/index.ts'
import { hashSecret, type IssuedToken, type Tokens } from '../tokens/index.ts'

export type { Permission } from './access.ts'

/** A version of an app that has shown one of its secrets. */
export interface AppClient {
  readonly version: AppVersion
  readonly secretId: string
}

/** What a technical token opens. */
export interface TechnicalPrincipal {
  tenant: string
  version: AppVersion
  permissions: readonly string[]
}

/**
 * Tokens with which an app works on the data of tenants that let it. None is kept: one is good until its
 * end while the secret and the consent stand that it was given for, and never for more than they give now.
 */
export interface TechnicalTokens {
  /** Throws `InvalidClient` (401). */
  authenticate(clientId: string, secret: string): Promise<AppClient>
  /** Throws `NotFound` for no such tenant, and `Forbidden` for one that gives the app nothing. */
  issue(client: AppClient, tenant: string): Promise<IssuedToken>
  /** Undefined for what is no technical token that is good now. */
  verify(accessToken: string): Promise<TechnicalPrincipal | undefined>
}

export interface TechnicalTokensDeps {
  registry: Registry
  tokens: Tokens
  clock: Clock
  log: Logger
}

export function createTechnicalTokens(
  { registry, tokens, clock, log }: TechnicalTokensDeps,
  { lifetimeMs }: Pick<TechnicalTokenLimits, 'lifetimeMs'>,
): TechnicalTokens {
  return {
    async authenticate(clientId, secret) {
      const known = await registry.call('appCredentials', clientId, clock.now())
      const given = hashSecret(secret)
      const shown = known?.secrets.filter(({ secretHash }) => timingSafeEqual(secretHash, given))[0]
      if (!known || !shown) throw new InvalidClient('The key of the application is not valid.', 401)
      return { version: known.version, secretId: shown.id }
    },

    async issue({ version: { clientId }, secretId }, tenant) {
      const { permissions, consentId } = await registry.call('appGrant', clientId, tenant)
      if (permissions.length === 0)
        throw new Forbidden(`the app has no access to the data of tenant ${tenant}`)
      const restsOn = basis(secretId, consentId)
      const issued = await tokens.technicalToken({ clientId, tenant, permissions, restsOn }, lifetimeMs)
      log.info({ clientId, tenant, jti: issued.jti }, 'technical token issued')
      return issued
    },

    async verify(accessToken) {
      const claims = await tokens.readTechnical(accessToken)
      if (!claims) return undefined
      const { clientId, tenant, restsOn } = claims
      const [known, grant] = await Promise.all([
        registry.call('appCredentials', clientId, clock.now()),
        registry.call('appGrant', clientId, tenant).catch(nothing),
      ])
      if (!known || !grant) return undefined
      if (!known.secrets.some(({ id }) => basis(id, grant.consentId) === restsOn)) return undefined
      const permissions = grant.permissions.filter((one) => claims.permissions.includes(one))
      return { tenant, version: grant.version, permissions }
    },
  }
}

/** Nothing secret: it only has to differ from secret to secret and from consent to consent. */
const basis = (secretId: string, consentId: string): string =>
  createHash('sha256').update(`${secretId} ${consentId}`).digest('hex').slice(0, 16)

/** The app or the consent is gone: an answer, not a failure. */
function nothing(error: unknown): undefined {
  if (error instanceof EdgeError && ['not_found', 'forbidden'].includes(error.code)) return undefined
  throw error
}
