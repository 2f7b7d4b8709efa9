import Type, { type Static } from 'typebox'
import type { Caller, Operations } from '../../core/control.ts'
import { Conflict } from '../../core/errors.ts'
import { parser } from '../../core/schema.ts'
import type { User } from '../store/index.ts'
import { createEdits, type EditsDeps } from './edits.ts'
import { IfRevision, members, Name, Password, shownUser } from './members.ts'
import { usersNeed } from './oversight.ts'
import type { Passwords } from './passwords.ts'
import type { ResetCodes } from './reset-codes.ts'
import type { Throttle } from './throttle.ts'

const strict = { additionalProperties: false }
const Add = Type.Object(
  {
    ...{ name: Name, password: Type.Optional(Password) },
    /** The user chooses a password by a code, which is in the answer. */
    resetCode: Type.Optional(Type.Boolean()),
    ...members,
  },
  strict,
)
const NewPassword = Type.Object(
  { name: Name, password: Type.Optional(Password), mustChange: members.mustChange, ifRevision: IfRevision },
  strict,
)
const parseAdd = parser(Add)
const parseSet = parser(
  Type.Object(
    {
      ...{ name: Name, ...members, ifRevision: IfRevision },
      owner: Type.Optional(Type.Union([Name, Type.Null()])),
      copyMode: Type.Optional(Type.Enum(['merge', 'replace'])),
    },
    strict,
  ),
)
const parsePassword = parser(NewPassword)
const parseName = parser(Type.Object({ name: Name }, strict))
const parseOne = parser(Type.Object({ name: Name, ifRevision: IfRevision }, strict))
const parseNothing = parser(Type.Object({}, strict))

export interface UserOperationsDeps extends EditsDeps {
  passwords: Passwords
  resetCodes: ResetCodes
  throttle: Throttle
  /** The box's clock, of a session time. */
  onClock(sessionTime: number): number
}

/** A password that was not given is generated, and is in the answer once. */
export function userOperations(deps: UserOperationsDeps): Operations {
  const { users, oversight, throttle, onClock } = deps
  const edits = createEdits(deps)
  const shown = (user: User) => {
    const { validUntil } = user
    return shownUser(user, users.passwordExpired(user), validUntil === null ? null : onClock(validUntil))
  }
  /** Who may not see the user learns only that it was done. */
  const seen = (caller: Caller, user: User) => (oversight.maySee(caller, user) ? shown(user) : undefined)
  const enable = async (params: unknown, caller: Caller, enabled: boolean): Promise<void> => {
    const { name, ifRevision } = parseOne(params, enabled ? 'user.enable' : 'user.disable')
    await users.setEnabled(name, enabled, oversight.checks(caller, 'update', ifRevision))
  }

  return {
    ...passwordOperations(deps),
    'user.add': (params, caller) => add(deps, edits, parseAdd(params, 'user.add'), caller),
    'user.list': async (params, caller) => {
      parseNothing(params ?? {}, 'user.list')
      oversight.demandSome(caller)
      return users
        .list()
        .filter((user) => oversight.maySee(caller, user))
        .map(shown)
    },
    'user.show': async (params, caller) => {
      const user = users.get(parseName(params, 'user.show').name)
      oversight.demandSee(caller, user)
      return { ...shown(user), permissions: deps.roles.permissionsOf(user) }
    },
    'user.set': async (params, caller) => {
      const { name, ifRevision, ...asked } = parseSet(params, 'user.set')
      edits.check(caller, asked)
      const checks = oversight.checks(caller, 'update', ifRevision)
      return seen(caller, await users.change(name, (user) => edits.of(user, asked), checks))
    },
    'user.disable': (params, caller) => enable(params, caller, false),
    'user.enable': (params, caller) => enable(params, caller, true),
    'user.unlock': async (params, caller) => {
      const user = users.get(parseName(params, 'user.unlock').name)
      oversight.demandOver(caller, 'update', user)
      await throttle.unlock(user.name)
    },
    'user.remove': async (params, caller) => {
      const { name, ifRevision } = parseOne(params, 'user.remove')
      await users.remove(name, oversight.checks(caller, 'delete', ifRevision))
    },
  }
}

async function add(
  { users, oversight, authority, passwords, resetCodes }: UserOperationsDeps,
  edits: ReturnType<typeof createEdits>,
  asked: Static<typeof Add>,
  caller: Caller,
) {
  const { name, password, resetCode = false, ...wanted } = asked
  authority.demand(caller, usersNeed('create'))
  edits.check(caller, wanted)
  const chosen = password ?? passwords.generate()
  const passwordHash = await passwords.hash(chosen)
  const record = { ...edits.ofNew(wanted), name, passwordHash, owner: caller.user ?? null }
  const user = await users.add(record, false, oversight.checks(caller, 'create'))
  const { roles, revision } = user
  if (resetCode) return { name, roles, revision, resetCode: await resetCodes.make(user) }
  return { name, roles, revision, ...(password === undefined ? { password: chosen } : {}) }
}

function passwordOperations({ users, oversight, passwords, resetCodes }: UserOperationsDeps): Operations {
  return {
    'user.passwd': async (params, caller) => {
      const { name, password, mustChange = false, ifRevision } = parsePassword(params, 'user.passwd')
      refuseForeign(users.get(name))
      oversight.demandOver(caller, 'update', users.get(name))
      const chosen = password ?? passwords.generate()
      const passwordHash = await passwords.hash(chosen)
      const checks = oversight.checks(caller, 'update', ifRevision)
      await users.setPassword(name, { passwordHash, mustChange }, undefined, checks)
      return { name, ...(password === undefined ? { password: chosen } : {}) }
    },
    'user.resetCode': async (params, caller) => {
      const user = users.get(parseName(params, 'user.resetCode').name)
      const allowed = () => {
        const now = users.get(user.name)
        oversight.demandOver(caller, 'update', now)
        refuseForeign(now)
      }
      return { name: user.name, ...(await resetCodes.make(user, { allowed })) }
    },
  }
}

/** Who signs in by another's word has no password here. */
function refuseForeign({ name, passwordHash }: User): void {
  if (passwordHash === null) throw new Conflict(`${name} signs in elsewhere`, 'signs_in_elsewhere')
}
