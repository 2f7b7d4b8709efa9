import { createPrivateKey } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { Conflict, Invalid, NotFound, PreconditionFailed } from '../../core/errors.ts'
import type { Audit } from '../audit/audit.ts'
import type { SsoProvider, Store } from '../store/index.ts'
import { destinations, type ProviderSettings } from './provider.ts'

export interface Provider {
  readonly settings: ProviderSettings
  /** Client secret, or private key (PEM): for the provider alone. */
  readonly secret: string | undefined
  readonly owner: string | null
  readonly updatedAt: number
  readonly revision: number
}

/** The identity providers, in memory as on disk. A record is never altered: a changed one is another. */
export interface Providers {
  list(): Provider[]
  find(name: string): Provider | undefined
  /** Throws `NotFound`. */
  get(name: string): Provider
  byIssuer(issuer: string): Provider[]
  /**
   * Adds or replaces. Without a secret the stored one stays, as long as it goes where it went before;
   * otherwise `SecretRequired`. Throws `PreconditionFailed` for another revision.
   */
  put(settings: ProviderSettings, given: Given): Promise<Provider>
  remove(name: string, checks?: Checks): Promise<void>
  /** What a user made who goes, belongs to nobody. */
  disown(user: string): void
}

export interface Checks {
  ifRevision?: number | undefined
  /** Asked when no other change can come between; throws when it is not to be. */
  allowed?(before: Provider | undefined): void | Promise<void>
}

export interface Given extends Checks {
  secret?: string | undefined
  owner: string | null
}

/** Otherwise who may change an address could have the secret sent to himself. */
export class SecretRequired extends Invalid {
  override readonly code = 'secret_required'
}

export interface ProvidersDeps {
  store: Store
  clock: Clock
  audit: Pick<Audit, 'ssoProviderChanged'>
}

const maxProviders = 32

export function createProviders({ store, clock, audit }: ProvidersDeps): Providers {
  const providers = new Map(store.contents.ssoProviders.map((row) => [row.name, fromRow(row)]))
  const get = (name: string): Provider => {
    const provider = providers.get(name)
    if (!provider) throw new NotFound(`there is no identity provider ${name}`)
    return provider
  }

  return {
    list: () => [...providers.values()],
    find: (name) => providers.get(name),
    get,
    byIssuer: (issuer) => [...providers.values()].filter(({ settings }) => settings.issuer === issuer),
    put: (settings, { secret: given, owner, ifRevision, allowed }) =>
      store.change(async (disk) => {
        const { name } = settings
        const before = providers.get(name)
        await allowed?.(before)
        refuseOther(before, ifRevision)
        if (!before && providers.size >= maxProviders)
          throw new Conflict(`there are ${maxProviders} identity providers already`, 'too_many')
        const provider: Provider = {
          ...{ settings, secret: secretFor(settings, given, before) },
          ...{ owner: before ? before.owner : owner, updatedAt: clock.now() },
          revision: (before?.revision ?? 0) + 1,
        }
        const { issuer, clientId } = settings
        const change = before ? 'updated' : 'added'
        const detail = { issuer, clientId, ...(given === undefined ? {} : { secret: 'new' }) }
        await disk.call('putSsoProvider', [audit.ssoProviderChanged(name, change, detail)], toRow(provider))
        providers.set(name, provider)
        return provider
      }),
    remove: (name, { ifRevision, allowed } = {}) =>
      store.change(async (disk) => {
        const before = get(name)
        await allowed?.(before)
        refuseOther(before, ifRevision)
        await disk.call('removeSsoProvider', [audit.ssoProviderChanged(name, 'deleted')], name)
        providers.delete(name)
      }),
    disown(user) {
      for (const [name, provider] of providers)
        if (provider.owner === user) providers.set(name, { ...provider, owner: null })
    },
  }
}

function refuseOther(before: Provider | undefined, ifRevision: number | undefined): void {
  if (ifRevision === undefined || ifRevision === (before?.revision ?? 0)) return
  throw new PreconditionFailed(before ? 'it was changed meanwhile' : 'there is no such identity provider')
}

function secretFor(
  settings: ProviderSettings,
  given: string | undefined,
  before: Provider | undefined,
): string | undefined {
  const { clientAuth } = settings
  if (clientAuth === 'none') {
    if (given !== undefined) throw new Invalid('a client that does not authenticate has no secret')
    return undefined
  }
  if (given === undefined) {
    if (before && destinations(before.settings) === destinations(settings)) return before.secret
    throw new SecretRequired(
      before ? 'an address or the client has changed: the secret is needed again' : 'the secret is missing',
      { cure: 'Give the client secret (or the private key) together with the change.' },
    )
  }
  if (clientAuth === 'private_key_jwt') refuseNoKey(given)
  return given
}

function refuseNoKey(pem: string): void {
  try {
    const { type, asymmetricKeyType } = createPrivateKey(pem)
    if (type === 'private' && ['rsa', 'ec', 'ed25519'].includes(asymmetricKeyType ?? '')) return
  } catch {
    // said below, without a part of the key in it
  }
  throw new Invalid('private_key_jwt needs a private key (PKCS #8, PEM): RSA, EC or Ed25519')
}

const fromRow = ({ settings, secret, owner, updatedAt, revision }: SsoProvider): Provider => ({
  settings: JSON.parse(settings),
  secret: secret ?? undefined,
  ...{ owner, updatedAt, revision },
})

const toRow = ({ settings, secret, owner, updatedAt, revision }: Provider): SsoProvider => ({
  ...{ name: settings.name, settings: JSON.stringify(settings), secret: secret ?? null },
  ...{ owner, updatedAt, revision },
})
