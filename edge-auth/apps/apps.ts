import type { JWK } from 'jose'
import type { Clock } from '../../core/clock.ts'
import { Conflict, NotFound } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import { type Random, randomSecret } from '../../core/random.ts'
import type { Audit } from '../audit/audit.ts'
import type { App, AppVersion, AuditEntry, Disk, Store } from '../store/index.ts'
import { type ListedApp, newApp, pick, refuseChanged, refuseOverlap } from './record.ts'
import { sha256, versionByCredential, versionBySecret, withoutEnded } from './secrets.ts'

export type { ListedApp } from './record.ts'

/** An app that has shown who it is, by the credential of one of its versions. */
export interface Client {
  readonly app: App
  readonly version: AppVersion
}

/** What an administrator decides about an app. */
export type AppSettings = Pick<
  App,
  'access' | 'scopes' | 'enabled' | 'properties' | 'topics' | 'quota' | 'unit' | 'owner'
>

/** Asked when no other change can come between; it throws to refuse. */
type Allowed = (app: ListedApp | undefined) => void

/**
 * Edge apps. The name is the client id, so topics and grants outlive a version; each version has its
 * own credential: a secret, or public keys. Unknown ones are `NotFound`. What is disabled proves nothing.
 */
export interface Apps {
  /** Constant time in the secret; good with the secret of any version. */
  bySecret(clientId: string, secret: string): Client | undefined
  authenticate(clientId: string, secret: string): boolean
  /** Undefined once the credential was replaced or removed. */
  byCredential(clientId: string, credentialId: string): Client | undefined
  find(clientId: string): ListedApp | undefined
  get(clientId: string): ListedApp
  list(): ListedApp[]
  /** Returns the secret, which is not kept; none with `keys`. Throws `Conflict` when the version is there. */
  add(
    clientId: string,
    version: string,
    options?: { keys?: JWK[] | undefined; owner?: string | undefined; allowed?: Allowed },
  ): Promise<string | undefined>
  /**
   * The version may be left out when there is only one. What it had is void at once, or after `overlapMs`
   * of session time.
   */
  renew(
    clientId: string,
    version?: string,
    options?: { keys?: JWK[] | undefined; overlapMs?: number; allowed?: Allowed },
  ): Promise<{ version: string; secret?: string }>
  setGrants(clientId: string, grants: readonly string[], allowed?: Allowed): Promise<void>
  change(
    clientId: string,
    edit: (app: ListedApp) => Partial<AppSettings>,
    ifRevision?: number,
  ): Promise<ListedApp>
  /** Without a version, the whole app. */
  remove(
    clientId: string,
    version?: string,
    options?: { ifRevision?: number | undefined; allowed?: Allowed },
  ): Promise<void>
  /** Called after something that the app may have used was made void. */
  onChange(listener: (clientId: string) => void): void
  /** For who has made void something of the app that is not kept here. */
  changed(clientId: string): void
  /** For who has removed the user on disk: what was his is nobody's. */
  disown(user: string): void
  /** Ends secrets whose time is over, until aborted. */
  run(signal: AbortSignal): Promise<void>
}

export interface AppsDeps {
  store: Store
  clock: Clock
  random: Random
  audit: Audit
  log: Logger
  sessionTime(): number
}

/** `client_id` in every person's token. */
const reserved = 'authsdk'
/** More than a box has; each is looked at whenever an app shows its secret. */
const maxApps = 256
const maxVersions = 32
/** How late what was opened by a secret is closed when the secret ends. */
const lookEveryMs = 5_000

export function createApps({ store, clock, random, audit, log, sessionTime }: AppsDeps): Apps {
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

  const get = (clientId: string, allowed: Allowed = () => {}): ListedApp => {
    const app = apps.get(clientId)
    allowed(app)
    if (!app) throw new NotFound(`there is no app ${clientId}`)
    return app
  }
  const client = ({ versions: _, ...app }: ListedApp, version: AppVersion): Client => ({ app, version })

  const bySecret = (clientId: string, secret: string): Client | undefined => {
    const app = apps.get(clientId)
    const found = versionBySecret(app?.versions ?? [], secret, sessionTime())
    return app?.enabled && found ? client(app, found) : undefined
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

  const put = async (disk: Disk, entry: AuditEntry, before: ListedApp, version: AppVersion) => {
    const { versions, ...app } = { ...before, revision: before.revision + 1 }
    await disk.call('putAppVersion', [entry], app, version)
    const others = versions.filter((known) => known.version !== version.version)
    const all = versions.length > others.length ? versions : [...versions, version]
    const after = all.map((known) => (known.version === version.version ? version : known))
    apps.set(app.clientId, { ...app, versions: after })
  }

  const endSecrets = async (clientId: string): Promise<void> => {
    await store.change(async (disk) => {
      const app = apps.get(clientId)
      for (const version of app?.versions ?? []) {
        const after = withoutEnded(version, sessionTime())
        if (after === version) continue
        await put(disk, audit.appSecretEnded(clientId, version.version), get(clientId), after)
      }
    })
    changed(clientId)
  }
  const hasEnded = ({ versions }: ListedApp): boolean =>
    versions.some((version) => withoutEnded(version, sessionTime()) !== version)

  return {
    bySecret,
    authenticate: (clientId, secret) => bySecret(clientId, secret) !== undefined,
    byCredential(clientId, credentialId) {
      const app = apps.get(clientId)
      const version = app && versionByCredential(app.versions, credentialId, sessionTime())
      return app?.enabled && version ? client(app, version) : undefined
    },
    find: (clientId) => apps.get(clientId),
    get: (clientId) => get(clientId),
    list: () => [...apps.values()],
    add: (clientId, version, { keys, owner, allowed = () => {} } = {}) =>
      store.change(async (disk) => {
        const known = apps.get(clientId)
        allowed(known)
        if (clientId === reserved) throw new Conflict(`${reserved} stands for this box itself`)
        if (!known && apps.size >= maxApps)
          throw new Conflict(`there are ${maxApps} apps already`, 'too_many')
        const before = known ?? newApp(clientId, clock.now(), owner)
        if (before.versions.some((other) => other.version === version))
          throw new Conflict(`there is a version ${version} of ${clientId} already`)
        if (before.versions.length >= maxVersions)
          throw new Conflict(`there are ${maxVersions} versions of ${clientId} already`, 'too_many')
        const { secret, given, entry } = credential(clientId, version, keys)
        const createdAt = clock.now()
        await put(disk, entry, before, { clientId, version, ...given, previous: null, createdAt })
        return secret
      }),
    renew: (clientId, version, { keys, overlapMs = 0, allowed } = {}) =>
      store.change(async (disk) => {
        const app = get(clientId, allowed)
        const old = pick(app.versions, version)
        if (overlapMs > 0) refuseOverlap(old, keys)
        const { secret, given, entry } = credential(clientId, old.version, keys)
        const { credentialId, secretHash } = old
        const previous =
          overlapMs > 0 && secretHash ? { credentialId, secretHash, endsAt: sessionTime() + overlapMs } : null
        await put(disk, entry, app, { ...old, ...given, previous })
        if (!previous || old.previous) changed(clientId) // the one before the old one is void
        return { version: old.version, ...(secret === undefined ? {} : { secret }) }
      }),
    setGrants: (clientId, grants, allowed) =>
      store.change(async (disk) => {
        const { versions, ...app } = get(clientId, allowed)
        const granted: App = { ...app, grants: [...new Set(grants)].sort(), revision: app.revision + 1 }
        await disk.call('putApp', [audit.appGrantsChanged(clientId, granted.grants)], granted)
        apps.set(clientId, { ...granted, versions })
      }),
    change: (clientId, edit, ifRevision) =>
      store.change(async (disk) => {
        const before = get(clientId)
        const different = edit(before)
        refuseChanged(before, ifRevision)
        if (Object.keys(different).length === 0) return before
        const { versions, ...after } = { ...before, ...different, revision: before.revision + 1 }
        await disk.call('putApp', [audit.appSettingsChanged(clientId, different)], after)
        const listed = { ...after, versions }
        apps.set(clientId, listed)
        if (!after.enabled || different.topics) changed(clientId)
        return listed
      }),
    remove: (clientId, version, { ifRevision, allowed } = {}) =>
      store.change(async (disk) => {
        const { versions, ...app } = get(clientId, allowed)
        refuseChanged(app, ifRevision)
        const gone = version === undefined ? versions : [pick(versions, version)]
        const left = versions.filter((known) => !gone.includes(known))
        const entries = [audit.appRemoved(clientId, version)]
        if (left.length === 0) {
          await disk.call('removeApp', entries, clientId)
          apps.delete(clientId)
        } else {
          const after = { ...app, revision: app.revision + 1 }
          await disk.call('removeAppVersion', entries, after, version as string)
          apps.set(clientId, { ...after, versions: left })
        }
        changed(clientId)
      }),
    onChange: (listener) => void listeners.push(listener),
    changed,
    disown(user) {
      for (const [clientId, app] of apps) if (app.owner === user) apps.set(clientId, { ...app, owner: null })
    },
    async run(signal) {
      while (!signal.aborted) {
        for (const app of [...apps.values()].filter(hasEnded))
          await endSecrets(app.clientId).catch((err) => log.error({ err }, 'ended secrets not removed'))
        await clock.sleep(lookEveryMs, signal).catch(() => {}) // aborted
      }
    },
  }
}
