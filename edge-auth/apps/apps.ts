import { hash, timingSafeEqual } from 'node:crypto'
import type { JWK } from 'jose'
import type { Clock } from '../../core/clock.ts'
import { Conflict, Invalid, NotFound } from '../../core/errors.ts'
import { type Random, randomSecret } from '../../core/random.ts'
import type { Audit } from '../audit/audit.ts'
import type { App, AppVersion, AuditEntry, Store } from '../store/index.ts'

/** An app that has shown who it is, by the credential of one of its versions. */
export interface Client {
  readonly app: App
  readonly version: AppVersion
}

export interface ListedApp extends App {
  readonly versions: readonly AppVersion[]
}

/**
 * Edge apps. The name is the client id, so topics and grants outlive a version; each version has its
 * own credential: a secret, or public keys. Unknown ones are `NotFound`.
 */
export interface Apps {
  /** Constant time in the secret; good with the secret of any version. */
  bySecret(clientId: string, secret: string): Client | undefined
  authenticate(clientId: string, secret: string): boolean
  /** Undefined once the credential was replaced or removed. */
  byCredential(clientId: string, credentialId: string): Client | undefined
  find(clientId: string): ListedApp | undefined
  list(): ListedApp[]
  /** Returns the secret, which is not kept; none with `keys`. Throws `Conflict` when the version is there. */
  add(clientId: string, version: string, keys?: JWK[]): Promise<string | undefined>
  /** The version may be left out when there is only one. What it had is void at once. */
  renew(clientId: string, version?: string, keys?: JWK[]): Promise<{ version: string; secret?: string }>
  setGrants(clientId: string, grants: readonly string[]): Promise<void>
  /** Without a version, the whole app. */
  remove(clientId: string, version?: string): Promise<void>
  /** Called after something that the app may have used was made void. */
  onChange(listener: (clientId: string) => void): void
  /** For who has made void something of the app that is not kept here. */
  changed(clientId: string): void
}

export interface AppsDeps {
  store: Store
  clock: Clock
  random: Random
  audit: Audit
}

/** `client_id` in every person's token. */
const reserved = 'authsdk'

export function createApps({ store, clock, random, audit }: AppsDeps): Apps {
  const versionsOnDisk = Map.groupBy(store.contents.appVersions, ({ clientId }) => clientId)
  const apps = new Map<string, ListedApp>(
    store.contents.apps.map((app) => [
      app.clientId,
      { ...app, versions: versionsOnDisk.get(app.clientId) ?? [] },
    ]),
  )
  const listeners: ((clientId: string) => void)[] = []
  const changed = (clientId: string): void => {
    for (const listener of listeners) listener(clientId)
  }

  const get = (clientId: string): ListedApp => {
    const app = apps.get(clientId)
    if (!app) throw new NotFound(`there is no app ${clientId}`)
    return app
  }
  const client = ({ versions: _, ...app }: ListedApp, version: AppVersion): Client => ({ app, version })

  const bySecret = (clientId: string, secret: string): Client | undefined => {
    const given = sha256(secret)
    const app = apps.get(clientId)
    const found = (app?.versions ?? []).reduce<AppVersion | undefined>(
      (match, version) =>
        version.secretHash !== null && timingSafeEqual(version.secretHash, given) ? version : match,
      undefined,
    )
    return app && found && client(app, found)
  }

  /** What a version gets: the keys it has brought, or a new secret. */
  const credential = (clientId: string, version: string, keys: JWK[] | undefined) => {
    const secret = keys === undefined ? randomSecret(random) : undefined
    const given: Pick<AppVersion, 'credentialId' | 'secretHash' | 'keys'> = {
      credentialId: random.uuid(),
      secretHash: secret === undefined ? null : sha256(secret),
      keys: keys ?? null,
    }
    const kids = keys?.map(({ kid = '' }) => kid)
    const entry: AuditEntry = kids
      ? audit.appKeysRegistered(clientId, version, kids)
      : audit.appSecretIssued(clientId, version)
    return { secret, given, entry }
  }

  return {
    bySecret,
    authenticate: (clientId, secret) => bySecret(clientId, secret) !== undefined,
    byCredential(clientId, credentialId) {
      const app = apps.get(clientId)
      const version = app?.versions.find((known) => known.credentialId === credentialId)
      return app && version && client(app, version)
    },
    find: (clientId) => apps.get(clientId),
    list: () => [...apps.values()],
    add: (clientId, version, keys) =>
      store.change(async (disk) => {
        if (clientId === reserved) throw new Conflict(`${reserved} stands for this box itself`)
        const { versions, ...app } = apps.get(clientId) ?? newApp(clientId, clock.now())
        if (versions.some((known) => known.version === version))
          throw new Conflict(`there is a version ${version} of ${clientId} already`)
        const { secret, given, entry } = credential(clientId, version, keys)
        const added: AppVersion = { clientId, version, ...given, createdAt: clock.now() }
        await disk.call('putAppVersion', [entry], app, added)
        apps.set(clientId, { ...app, versions: [...versions, added] })
        return secret
      }),
    renew: (clientId, version, keys) =>
      store.change(async (disk) => {
        const { versions, ...app } = get(clientId)
        const old = pick(versions, version)
        const { secret, given, entry } = credential(clientId, old.version, keys)
        const renewed: AppVersion = { ...old, ...given }
        await disk.call('putAppVersion', [entry], app, renewed)
        apps.set(clientId, { ...app, versions: versions.map((known) => (known === old ? renewed : known)) })
        changed(clientId)
        return { version: old.version, ...(secret === undefined ? {} : { secret }) }
      }),
    setGrants: (clientId, grants) =>
      store.change(async (disk) => {
        const { versions, ...app } = get(clientId)
        const granted: App = { ...app, grants: [...new Set(grants)].sort() }
        await disk.call('putApp', [audit.appGrantsChanged(clientId, granted.grants)], granted)
        apps.set(clientId, { ...granted, versions })
      }),
    remove: (clientId, version) =>
      store.change(async (disk) => {
        const { versions, ...app } = get(clientId)
        const gone = version === undefined ? versions : [pick(versions, version)]
        const left = versions.filter((known) => !gone.includes(known))
        const entries = [audit.appRemoved(clientId, version)]
        if (left.length === 0) {
          await disk.call('removeApp', entries, clientId)
          apps.delete(clientId)
        } else {
          await disk.call('removeAppVersion', entries, clientId, version as string)
          apps.set(clientId, { ...app, versions: left })
        }
        changed(clientId)
      }),
    onChange: (listener) => void listeners.push(listener),
    changed,
  }
}

const newApp = (clientId: string, now: number): ListedApp => ({
  clientId,
  grants: [],
  createdAt: now,
  versions: [],
})

/** A secret has 256 random bits: a slow hash would add nothing. */
const sha256 = (secret: string): Uint8Array => hash('sha256', secret, 'buffer')

function pick(versions: readonly AppVersion[], asked: string | undefined): AppVersion {
  const names = versions.map(({ version }) => version).join(', ')
  if (asked === undefined && versions.length > 1)
    throw new Invalid('the app has several versions', { cure: `Name one of ${names}.` })
  const found = versions.find(({ version }) => asked === undefined || version === asked)
  if (!found) throw new NotFound(`there is no version ${asked}; there are ${names}`)
  return found
}
