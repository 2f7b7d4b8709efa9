import { createHash, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { Conflict, Invalid, NotFound } from '../../core/errors.ts'
import { type Random, randomSecret } from '../../core/random.ts'
import type { Audit } from '../audit.ts'
import type { AppVersion, Store } from '../store/index.ts'

/**
 * Edge apps. The name is the client id, so topics and grants outlive a version; each version has its
 * own secret. Unknown ones are `NotFound`.
 */
export interface Apps {
  /** Constant time in the secret; good with the secret of any version. */
  authenticate(clientId: string, secret: string): boolean
  list(): { clientId: string; versions: readonly AppVersion[] }[]
  /** Returns the secret, which is not kept. Throws `Conflict` when the version is there. */
  add(clientId: string, version: string): Promise<string>
  /** The version may be left out when there is only one. The old secret is void at once. */
  rotateSecret(clientId: string, version?: string): Promise<{ version: string; secret: string }>
  /** Without a version, the whole app. */
  remove(clientId: string, version?: string): Promise<void>
  /** Called after a secret was made void. */
  onChange(listener: (clientId: string) => void): void
}

export interface AppsDeps {
  store: Store
  clock: Clock
  random: Random
  audit: Audit
}

export function createApps({ store, clock, random, audit }: AppsDeps): Apps {
  const apps = Map.groupBy(store.contents.appVersions, ({ clientId }) => clientId)
  const listeners: ((clientId: string) => void)[] = []

  const versionsOf = (clientId: string): AppVersion[] => {
    const versions = apps.get(clientId)
    if (!versions) throw new NotFound(`there is no app ${clientId}`)
    return versions
  }
  const keep = (clientId: string, versions: AppVersion[]): void => {
    if (versions.length > 0) apps.set(clientId, versions)
    else apps.delete(clientId)
  }
  const tell = (clientId: string): void => {
    for (const listener of listeners) listener(clientId)
  }

  return {
    authenticate(clientId, secret) {
      const given = sha256(secret)
      return (apps.get(clientId) ?? []).reduce(
        (found, { secretHash }) => timingSafeEqual(secretHash, given) || found,
        false,
      )
    },
    list: () => [...apps].map(([clientId, versions]) => ({ clientId, versions })),
    add: (clientId, version) =>
      store.change(async (disk) => {
        const versions = apps.get(clientId) ?? []
        if (versions.some((known) => known.version === version))
          throw new Conflict(`there is a version ${version} of ${clientId} already`)
        const secret = randomSecret(random)
        const added: AppVersion = { clientId, version, secretHash: sha256(secret), createdAt: clock.now() }
        await disk.call('putAppVersion', added)
        keep(clientId, [...versions, added])
        audit.appSecretIssued(clientId, version)
        return secret
      }),
    rotateSecret: (clientId, version) =>
      store.change(async (disk) => {
        const versions = versionsOf(clientId)
        const old = pick(versions, version)
        const secret = randomSecret(random)
        const rotated: AppVersion = { ...old, secretHash: sha256(secret) }
        await disk.call('putAppVersion', rotated)
        keep(
          clientId,
          versions.map((known) => (known === old ? rotated : known)),
        )
        audit.appSecretIssued(clientId, old.version)
        tell(clientId)
        return { version: old.version, secret }
      }),
    remove: (clientId, version) =>
      store.change(async (disk) => {
        const versions = versionsOf(clientId)
        const left =
          version === undefined ? [] : versions.filter((known) => known !== pick(versions, version))
        if (left.length === 0) await disk.call('removeApp', clientId)
        else await disk.call('removeAppVersion', clientId, version as string)
        keep(clientId, left)
        audit.appRemoved(clientId, version)
        tell(clientId)
      }),
    onChange: (listener) => void listeners.push(listener),
  }
}

/** A secret has 256 random bits: a slow hash would add nothing. */
const sha256 = (secret: string): Uint8Array => createHash('sha256').update(secret).digest()

function pick(versions: readonly AppVersion[], asked: string | undefined): AppVersion {
  const names = versions.map(({ version }) => version).join(', ')
  if (asked === undefined && versions.length > 1)
    throw new Invalid('the app has several versions', { cure: `Name one of ${names}.` })
  const found = versions.find(({ version }) => asked === undefined || version === asked)
  if (!found) throw new NotFound(`there is no version ${asked}; there are ${names}`)
  return found
}
