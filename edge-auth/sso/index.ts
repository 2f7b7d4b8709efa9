import type { Clock } from '../../core/clock.ts'
import type { Operations } from '../../core/control.ts'
import type { Logger } from '../../core/log.ts'
import type { Http } from '../../core/net/index.ts'
import type { Random } from '../../core/random.ts'
import type { Audit } from '../audit/audit.ts'
import type { Authority } from '../permissions/authority.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Store, User } from '../store/index.ts'
import type { Due } from '../totp/second-factors.ts'
import type { AppGroups } from '../users/app-groups.ts'
import type { Oversight } from '../users/oversight.ts'
import type { Roles } from '../users/roles.ts'
import type { Users } from '../users/users.ts'
import { createAccounts } from './accounts.ts'
import { type AddressRules, createAdmitAddresses } from './addresses.ts'
import { createOpenClient } from './client.ts'
import { createExternalTokens, type ExternalTokens } from './external.ts'
import { createAskProvider } from './fetch.ts'
import { createSsoLogin, type SsoLogin } from './login.ts'
import { createSsoLogout, type SsoLogout } from './logout.ts'
import { createMetadata } from './metadata.ts'
import { ssoOperations } from './operations.ts'
import { createProviders } from './providers.ts'
import { createSealing } from './sealing.ts'
import { createVerifySignature } from './signatures.ts'

export { alsoExternal, type ExternalTokens } from './external.ts'
export { pendingMs, reasonOf, type SsoRefusal } from './login.ts'

/** Signing in by an identity provider of the plant. */
export interface Sso extends SsoLogin, SsoLogout {
  readonly operations: Operations
  readonly external: ExternalTokens
  /** For the login page: what the buttons say. */
  visible(): { name: string; label: string | undefined; providerName: string }[]
}

export interface SsoDeps {
  store: Store
  http: Http
  clock: Clock
  random: Random
  log: Logger
  audit: Audit
  users: Users
  roles: Roles
  groups: AppGroups
  sessions: Sessions
  authority: Authority
  oversight: Oversight
  /** The proven time, while there is one. */
  correctedNow?: (() => number | undefined) | undefined
  tellsClaims(): boolean
  /** Which second factor is missing for who has signed in elsewhere. */
  secondFactorDue(user: User): Due | undefined
}

export function createSso(deps: SsoDeps, config: AddressRules): Sso {
  const { store, http, clock, random, audit, users } = deps
  const now = (): number => deps.correctedNow?.() ?? clock.now()
  const askProvider = createAskProvider({ http, admit: createAdmitAddresses(config) })
  const metadata = createMetadata({ askProvider, clock })
  const verify = createVerifySignature({ askProvider, clock, now })
  const openClient = createOpenClient({ metadata, askProvider, now })
  const providers = createProviders({ store, clock, audit })
  users.onRemoved(providers.disown)
  const accounts = createAccounts(deps)
  const sealing = createSealing(random)
  const common = { ...deps, providers, accounts, metadata, openClient, verify, now }
  return {
    ...createSsoLogin({ ...common, sealing }),
    ...createSsoLogout(common),
    external: createExternalTokens(common),
    operations: ssoOperations(common),
    visible: () =>
      providers
        .list()
        .filter(({ settings }) => settings.visible)
        .map(({ settings: { name, buttonText: label, providerName } }) => ({ name, label, providerName })),
  }
}
