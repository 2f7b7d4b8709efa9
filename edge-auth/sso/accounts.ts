import type { Clock } from '../../core/clock.ts'
import { Conflict } from '../../core/errors.ts'
import type { Audit } from '../audit/audit.ts'
import type { SsoLink, Store, User } from '../store/index.ts'
import type { AppGroups } from '../users/app-groups.ts'
import type { Roles } from '../users/roles.ts'
import type { Users } from '../users/users.ts'
import { profileOf, type Subject, userNameOf } from './claims.ts'
import { type Access, type Granted, granted, reassigned } from './mapping.ts'
import type { ProviderSettings } from './provider.ts'

export type Settled =
  | { is: 'user'; user: User; defaultApp: string | undefined }
  /** No rule lets this person in. */
  | { is: 'no_access'; user: User | undefined }
  | { is: 'disabled'; user: User }
  /** Another is called so already, who is not to be taken over. */
  | { is: 'name_taken'; name: string }
  /** The claim that names a user is not there. */
  | { is: 'no_name' }

/**
 * Which user somebody is who has signed in elsewhere: whoever is linked to that issuer and subject. Names and
 * e-mail addresses link nobody: they change hands, and who runs a provider gives them to whom he likes.
 */
export interface Accounts {
  find(subject: Subject): Promise<SsoLink | undefined>
  /** Makes the user where there is none; roles and profile become what the claims say. */
  settle(settings: ProviderSettings, subject: Subject, claims: object): Promise<Settled>
  /** Roles of this box that the claims give now. */
  access(settings: ProviderSettings, claims: object): Granted | undefined
  /**
   * Throws `Conflict` when somebody is linked to it, `NotFound` for an unknown user. `allowed` is asked when
   * no other change can come between, and throws when it is not to be.
   */
  link(subject: Subject, user: string, allowed?: (user: User) => void): Promise<void>
  /** Ends the user's sessions. Undefined when there is no such link. `allowed` as above. */
  unlink(subject: Subject, allowed?: (user: User) => void): Promise<SsoLink | undefined>
}

export interface AccountsDeps {
  store: Store
  users: Users
  roles: Pick<Roles, 'list'>
  groups: Pick<AppGroups, 'list'>
  clock: Clock
  audit: Pick<Audit, 'ssoLinkChanged'>
}

export function createAccounts({ store, users, roles, groups, clock, audit }: AccountsDeps): Accounts {
  const find: Accounts['find'] = async ({ issuer, subject }) =>
    (await store.ssoLinks()).find((link) => link.issuer === issuer && link.subject === subject)

  /** A role or group of apps that was removed since the rules were written gives nothing. */
  const access: Accounts['access'] = ({ mapping }, claims) => {
    const given = granted(mapping, claims)
    return given && { ...given, ...existing(given, namesOf(roles.list()), namesOf(groups.list())) }
  }

  const update = async (user: User, settings: ProviderSettings, claims: object): Promise<User> => {
    const profile = profileOf(claims, settings)
    const now = access(settings, claims)
    try {
      return await users.change(user.name, (before) => ({
        profile,
        ...reassigned(settings.mapping, before, now),
      }))
    } catch (error) {
      if (!(error instanceof Conflict && error.code === 'last_admin')) throw error
      return users.change(user.name, () => ({ profile })) // somebody must be able to let the others in
    }
  }

  const settle: Accounts['settle'] = async (settings, subject, claims) => {
    const now = access(settings, claims)
    const link = await find(subject)
    if (!link) return create(settings, subject, claims, now)
    const known = users.get(link.user)
    if (!users.active(known)) return { is: 'disabled', user: known }
    const user = await update(known, settings, claims)
    if (!now && settings.mapping.mode !== 'creation') return { is: 'no_access', user }
    return { is: 'user', user, defaultApp: now?.defaultApp }
  }

  const create = async (
    settings: ProviderSettings,
    subject: Subject,
    claims: object,
    now: Granted | undefined,
  ): Promise<Settled> => {
    if (!now) return { is: 'no_access', user: undefined }
    const name = userNameOf(claims, settings.userIdClaim, subject)
    if (name === undefined) return { is: 'no_name' }
    const { roles: held, scopedRoles, defaultApp } = now
    const newcomer = {
      name,
      roles: held,
      scopedRoles,
      profile: profileOf(claims, settings),
      passwordHash: null,
    }
    try {
      const user = await users.add(newcomer, false, {}, { ...subject, createdAt: clock.now() })
      return { is: 'user', user, defaultApp }
    } catch (error) {
      if (!(error instanceof Conflict)) throw error
      // The same person may have signed in twice at once.
      return (await find(subject)) ? settle(settings, subject, claims) : { is: 'name_taken', name }
    }
  }

  return {
    find,
    settle,
    access,
    link: (subject, user, allowed) =>
      store.change(async (disk) => {
        allowed?.(users.get(user))
        if (await find(subject))
          throw new Conflict('this account of the provider is linked already', 'linked')
        const link: SsoLink = { ...subject, user, createdAt: clock.now() }
        await disk.call('addSsoLink', [audit.ssoLinkChanged(link, 'linked')], link)
      }),
    async unlink(subject, allowed) {
      const link = await store.change(async (disk) => {
        const found = await find(subject)
        if (found) allowed?.(users.get(found.user))
        const { issuer, subject: name } = subject
        if (found) await disk.call('removeSsoLink', [audit.ssoLinkChanged(found, 'unlinked')], issuer, name)
        return found
      })
      if (link && users.find(link.user)) await users.endSessions(link.user, 'ended_by_administrator')
      return link
    },
  }
}

type Names = ReadonlySet<string>
const namesOf = (all: readonly { name: string }[]): Names => new Set(all.map(({ name }) => name))

const existing = ({ roles, scopedRoles }: Access, known: Names, groups: Names): Access => ({
  roles: roles.filter((role) => known.has(role)),
  scopedRoles: Object.fromEntries(
    Object.entries(scopedRoles)
      .filter(([group]) => groups.has(group))
      .map(([group, held]) => [group, held.filter((role) => known.has(role))]),
  ),
})
