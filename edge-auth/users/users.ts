import type { Clock } from '../../core/clock.ts'
import { Conflict, PreconditionFailed } from '../../core/errors.ts'
import type { Random } from '../../core/random.ts'
import type { Audit, EndedBy } from '../audit/audit.ts'
import type { SessionTime } from '../sessions/session-time.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { AuditEntry, EndReason, SsoLink, Store, User } from '../store/index.ts'
import { fold, refuseTaken } from './login-names.ts'
import type { Records } from './records.ts'

export const namePattern = '^[A-Za-z0-9._@-]{1,128}$'

/**
 * Users, in memory as on disk. A record is never altered: as long as `find` gives the same object,
 * nothing about the user has changed. A new password, other roles and a disabling end the user's sessions
 * with it. The last enabled Admin stays one: `Conflict` otherwise. Unknown names are `NotFound`.
 */
export interface Users {
  readonly count: number
  find(name: string): User | undefined
  /** By name or alias, as it is typed to sign in. */
  findByLogin(typed: string): User | undefined
  get(name: string): User
  list(): User[]
  /** Whether the user may act: enabled, and the time for which he was let in is not over. */
  active(user: User): boolean
  /**
   * `asFirst`: only while there is no user. `link`: where the user signs in. Throws `Conflict`, also for a
   * name or alias that is taken.
   */
  add(user: NewUser, asFirst?: boolean, checks?: Checks, link?: Omit<SsoLink, 'user'>): Promise<User>
  /**
   * `edit` gives what is to differ of the record as it is then. Throws `PreconditionFailed` for another
   * revision, and `Conflict` for an alias that is taken.
   */
  change(name: string, edit: (user: User) => Partial<User>, checks?: Checks): Promise<User>
  setRoles(name: string, roles: readonly string[]): Promise<User>
  /** `unchanged`: only while the record is this one. Throws `Conflict`. */
  setPassword(name: string, password: NewPassword, unchanged?: User, checks?: Checks): Promise<void>
  setEnabled(name: string, enabled: boolean, checks?: Checks): Promise<void>
  /** Leaves the user as he is. Returns how many there were. */
  endSessions(name: string, reason: EndReason, by?: EndedBy): Promise<number>
  remove(name: string, checks?: Checks): Promise<void>
  onRemoved(listener: (name: string) => void): void
  /** Whether signing in needs a new password. */
  passwordExpired(user: User): boolean
  /** Names and aliases that differ by case only: while there are some, case cannot be ignored. */
  collisions(): string[]
}

/** Asked when no other change can come between; `allowed` throws when it is not to be. */
export interface Checks {
  ifRevision?: number | undefined
  allowed?: ((change: { before: User | undefined; after: User | undefined }) => void) | undefined
  /** Told to the audit with a user who comes or goes. */
  also?: (user: User) => readonly AuditEntry[]
}

export type NewPassword = Pick<User, 'passwordHash'> & Partial<Pick<User, 'mustChange'>>
export type NewUser = Pick<User, 'name' | 'roles'> &
  NewPassword &
  Partial<
    Pick<User, 'alias' | 'profile' | 'owner' | 'delegatedBy' | 'scopedRoles' | 'apps'> &
      Pick<User, 'totpRequired' | 'enabled' | 'validUntil'>
  >

export interface UsersDeps {
  store: Store
  records: Records
  sessions: Sessions
  clock: Clock
  random: Random
  audit: Audit
  time: Pick<SessionTime, 'now'>
}

export interface UsersConfig {
  /** How long a password is good; 0: for ever. */
  passwordValidityMs: number
  /** Whether `Ann` and `ann` are one when signing in. */
  ignoreCase(): boolean
}

/** More than anybody has at one box, and little enough for its memory. */
const maxUsers = 10_000

const byName = (a: User, b: User): number => (a.name < b.name ? -1 : 1)

export function createUsers(
  { store, records, sessions, clock, random, audit, time }: UsersDeps,
  { passwordValidityMs, ignoreCase }: UsersConfig,
): Users {
  const { find, get } = records
  const removedListeners: ((name: string) => void)[] = []

  const change: Users['change'] = (name, edit, checks = {}) =>
    store.change(async (disk) => {
      const before = get(name)
      refuseOther(before, checks.ifRevision)
      const different = edit(before)
      checks.allowed?.({ before, after: { ...before, ...different } })
      const { alias } = different
      if (alias && alias !== before.alias) refuseTaken(alias, records.all(), ignoreCase(), before)
      const prepared = records.prepare(before, different)
      if (!prepared) return before
      await disk.call('putUser', prepared.entries, prepared.after, prepared.ends)
      records.settle([prepared])
      return prepared.after
    })

  return {
    get count() {
      return records.size
    },
    find,
    get,
    findByLogin(typed) {
      const exact = find(typed) ?? records.all().find(({ alias }) => alias === typed)
      if (exact || !ignoreCase()) return exact
      const folded = fold(typed)
      return records
        .all()
        .find(({ name, alias }) => fold(name) === folded || (alias && fold(alias) === folded))
    },
    list: () => records.all().sort(byName),
    active: ({ enabled, validUntil }) => enabled && (validUntil === null || time.now() < validUntil),
    add: ({ name, alias = null, mustChange = false, ...given }, asFirst = false, checks = {}, link?) =>
      store.change(async (disk) => {
        if (find(name)) throw new Conflict(`there is a user ${name} already`)
        for (const taken of [name, ...(alias === null ? [] : [alias])])
          refuseTaken(taken, records.all(), ignoreCase())
        if (alias === name) throw new Conflict('an alias is another name than the name')
        if (asFirst && records.size > 0) throw new Conflict('there is a first user already')
        if (records.size >= maxUsers) throw new Conflict(`there are ${maxUsers} users already`, 'too_many')
        const now = clock.now()
        const user: User = {
          ...{ profile: {}, owner: null, delegatedBy: null, scopedRoles: {}, apps: null },
          ...{ totpRequired: false, enabled: true, validUntil: null },
          ...{ ...given, name, alias, mustChange, epoch: random.uuid() },
          ...{ passwordSetAt: now, createdAt: now, updatedAt: now, revision: 1 },
        }
        checks.allowed?.({ before: undefined, after: user })
        const entries = [audit.userAdded(user), ...(checks.also?.(user) ?? [])]
        if (link) await disk.call('addLinkedUser', entries, user, { ...link, user: name })
        else await disk.call('putUser', entries, user, true)
        records.added(user)
        return user
      }),
    change,
    setRoles: (name, roles) => change(name, () => ({ roles })),
    async setPassword(name, { passwordHash, mustChange = false }, unchanged, checks) {
      const edit = (user: User) => {
        if (unchanged && user !== unchanged) throw new Conflict(`${name} was changed meanwhile`)
        return { passwordHash, mustChange, passwordSetAt: clock.now() }
      }
      await change(name, edit, checks)
    },
    async setEnabled(name, enabled, checks) {
      await change(name, () => ({ enabled }), checks)
    },
    endSessions: (name, reason, by) =>
      store.change(async (disk) => {
        const before = get(name)
        const after: User = { ...before, epoch: random.uuid(), revision: before.revision + 1 }
        await disk.call('putUser', sessions.endings(name, reason, by), after, true)
        records.added(after)
        return sessions.forget(name)
      }),
    remove: (name, { ifRevision, allowed, also } = {}) =>
      store.change(async (disk) => {
        const user = get(name)
        refuseOther(user, ifRevision)
        allowed?.({ before: user, after: undefined })
        records.refuseLast(user)
        const ended = sessions.endings(name, 'user_removed')
        const entries = [audit.userRemoved(user), ...(also?.(user) ?? []), ...ended]
        await disk.call('removeUser', entries, name)
        records.removed(name)
        for (const listener of removedListeners) listener(name)
      }),
    onRemoved: (listener) => void removedListeners.push(listener),
    passwordExpired: ({ mustChange, passwordSetAt, validUntil }) =>
      mustChange ||
      (validUntil === null && passwordValidityMs > 0 && clock.now() - passwordSetAt >= passwordValidityMs),
    collisions() {
      const names = records.all().flatMap(({ name, alias }) => (alias === null ? [name] : [name, alias]))
      return [...Map.groupBy(names, fold).values()].filter((same) => same.length > 1).flat()
    },
  }
}

export function refuseOther({ revision }: { revision: number }, ifRevision: number | undefined): void {
  if (ifRevision !== undefined && ifRevision !== revision)
    throw new PreconditionFailed('it was changed meanwhile')
}
