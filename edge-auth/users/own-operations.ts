import Type from 'typebox'
import type { Caller, Operations } from '../../core/control.ts'
import { Conflict, Forbidden, Invalid, NotFound } from '../../core/errors.ts'
import { parser } from '../../core/schema.ts'
import type { Audit } from '../audit/audit.ts'
import type { DeniedRequests } from '../guard/denied-requests.ts'
import type { Act, Authority, Need, Permissions } from '../permissions/index.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { User } from '../store/index.ts'
import { changedProfile, IfRevision, Password, ProfileChange } from './members.ts'
import { SamePassword } from './new-passwords.ts'
import type { Passwords } from './passwords.ts'
import type { Throttle } from './throttle.ts'
import type { Users } from './users.ts'

const strict = { additionalProperties: false }
const parseNothing = parser(Type.Object({}, strict))
const parseSet = parser(Type.Object({ profile: ProfileChange, ifRevision: IfRevision }, strict))
const parsePassword = parser(Type.Object({ oldPassword: Password, newPassword: Password }, strict))
const parseEnd = parser(
  Type.Union([Type.Object({ id: Type.String() }, strict), Type.Object({ all: Type.Literal(true) }, strict)]),
)

export interface OwnOperationsDeps {
  users: Users
  sessions: Pick<Sessions, 'list' | 'end'>
  passwords: Passwords
  throttle: Pick<Throttle, 'admit'>
  denied: Pick<DeniedRequests, 'of'>
  audit: Pick<Audit, 'signInFailed'>
  authority: Authority
  permissionsOf(user: User): Permissions
}

const own = (act: Act): Need => ({ category: 'OwnUser', act })

/** What a person does with his own account; the machine has none. */
export function ownOperations(deps: OwnOperationsDeps): Operations {
  const { users, sessions, denied, authority, permissionsOf } = deps
  const self = (caller: Caller, act: Act): User => {
    if (caller.user === undefined) throw new Invalid('only a user has an account of his own')
    authority.demand(caller, own(act))
    return users.get(caller.user)
  }
  const shown = (user: User) => {
    const { name, alias, profile, roles, scopedRoles, apps, totpRequired, createdAt, revision } = user
    return {
      ...{ name, alias, profile, roles, scopedRoles, apps, totpRequired, createdAt, revision },
      ...{ signsInHere: user.passwordHash !== null, permissions: permissionsOf(user) },
    }
  }

  return {
    'own.show': async (params, caller) => {
      parseNothing(params ?? {}, 'own.show')
      return shown(self(caller, 'read'))
    },
    'own.set': async (params, caller) => {
      const { profile, ifRevision } = parseSet(params, 'own.set')
      const { name } = self(caller, 'update')
      const edit = (user: User) => ({ profile: changedProfile(user.profile, profile) })
      const user = await users.change(name, edit, { ifRevision })
      return authority.may(caller, own('read')) ? shown(user) : undefined
    },
    'own.password': async (params, caller) => {
      const { oldPassword, newPassword } = parsePassword(params, 'own.password')
      await changePassword(deps, caller, self(caller, 'update'), oldPassword, newPassword)
    },
    'own.sessions': async (params, caller) => {
      parseNothing(params ?? {}, 'own.sessions')
      return sessions.list(self(caller, 'read').name)
    },
    'own.endSession': async (params, caller) => {
      const choice = parseEnd(params, 'own.endSession')
      const { name } = self(caller, 'update')
      if ('all' in choice) return { ended: await users.endSessions(name, 'signed_out_everywhere') }
      const isOwn = sessions.list(name).some(({ id }) => id === choice.id)
      const ended = isOwn ? await sessions.end(choice, 'signed_out') : 0
      if (ended === 0) throw new NotFound(`you have no open session ${choice.id}`)
      return { ended }
    },
    'own.denied': async (params, caller) => {
      parseNothing(params ?? {}, 'own.denied')
      return denied.of(self(caller, 'read').name)
    },
  }
}

/** The old password is guessed at no faster than at a sign-in. */
async function changePassword(
  { users, passwords, throttle, audit }: OwnOperationsDeps,
  { address }: Caller,
  user: User,
  oldPassword: string,
  newPassword: string,
): Promise<void> {
  if (user.passwordHash === null) throw new Conflict('you sign in elsewhere', 'signs_in_elsewhere')
  const sender = { address, userAgent: undefined }
  const admission = throttle.admit(user.name, sender)
  const matches = await passwords.verify(user.passwordHash, oldPassword).catch((error) => {
    admission.withdrawn()
    throw error
  })
  if (!matches) {
    audit.signInFailed({ ...sender, user: user.name, method: 'admin', reason: 'wrong_password' })
    await admission.failed(user.name)
    throw new Forbidden('the old password is wrong', 'wrong_password')
  }
  admission.succeeded()
  if (oldPassword === newPassword) throw new SamePassword('the new password is the old one')
  await users.setPassword(user.name, { passwordHash: await passwords.hash(newPassword) }, user)
}
