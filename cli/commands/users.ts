import type { Command } from 'commander'
import { Invalid } from '../../core/errors.ts'
import { type CommonOptions, createContext } from '../context.ts'
import { readPassword } from '../input.ts'
import { columns, fields, print, when } from '../output.ts'
import { change, collect } from './change.ts'

interface User {
  name: string
  alias: string | null
  profile: Record<string, string>
  owner: string | null
  delegatedBy: string | null
  roles: string[]
  scopedRoles: Record<string, string[]>
  apps: string[] | null
  enabled: boolean
  mustChange: boolean
  totpRequired: boolean
  signsInHere: boolean
  validUntil: number | null
  createdAt: number
  permissions: Record<string, string[]>
}

interface ResetCode {
  code: string
  expiresAt: number
}

const mustChangeOption = ['--must-change', 'the user must choose a new password at the next login'] as const

interface PasswordOptions {
  passwordStdin?: boolean
  mustChange?: boolean
}

interface MemberOptions {
  role?: string[]
  alias?: string
  firstName?: string
  lastName?: string
  email?: string
  phone?: string
  scopedRole?: string[]
  apps?: string
  totpRequired?: boolean
  delegatedBy?: string
  copyRoles?: string
}

/** What can be said of a user when he is made, and later; an empty text takes a thing away. */
const withMembers = (command: Command): Command =>
  command
    .option('--role <role>', 'role, may be repeated: edgeward role list', collect)
    .option('--scoped-role <group=roles>', 'roles for a group of apps alone, may be repeated', collect)
    .option('--apps <apps>', 'only these apps let the user in, separated by commas; * for all')
    .option('--alias <name>', 'another name to sign in with')
    .option('--first-name <text>', 'first name')
    .option('--last-name <text>', 'last name')
    .option('--email <text>', 'address for mail')
    .option('--phone <text>', 'phone number')
    .option('--delegated-by <user>', 'on whose behalf the user works')
    .option('--copy-roles <user>', 'give the roles of another user, too')

export function userCommands(program: Command): void {
  const user = program.command('user').description('users of this box')
  addCommand(user)
  listCommands(user)
  setCommand(user)
  passwordCommands(user)
  for (const [verb, said] of [
    ['disable', 'disabled, sessions ended'],
    ['enable', 'enabled'],
    ['remove', 'removed'],
    ['unlock', 'unlocked'],
  ] as const)
    user
      .command(`${verb} <name>`)
      .description(verb === 'unlock' ? 'forget the failed logins that keep a user out' : `${verb} a user`)
      .action((name: string, _options, command: Command) =>
        change(command, `user.${verb}`, { name }, `user ${name} ${said}`),
      )
}

function addCommand(user: Command): void {
  withMembers(user.command('add <name>'))
    .description('add a user; a password is made and printed once unless one is given')
    .option('--password-stdin', 'read the password from standard input')
    .option('--reset-code', 'print a code by which the user chooses the password')
    .option('--totp-required', 'signing in needs a second factor')
    .option(...mustChangeOption)
    .action(
      async (
        name: string,
        options: PasswordOptions & MemberOptions & { resetCode?: boolean },
        command: Command,
      ) => {
        const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
        const added = await context.operate<{ roles: string[]; password?: string; resetCode?: ResetCode }>(
          'user.add',
          {
            ...{ name, ...membersOf(options), ...(await passwordOf(options)) },
            ...(options.resetCode && { resetCode: true }),
          },
        )
        const password = added.password ? `\npassword (shown once): ${added.password}` : ''
        const code = added.resetCode ? `\n${describeCode(added.resetCode)}` : ''
        const roles = added.roles.join(', ') || 'no global role'
        print(context.json, added, `user ${name} added with ${roles}${password}${code}`)
      },
    )
}

function listCommands(user: Command): void {
  user
    .command('list')
    .description('list the users')
    .action(async (_options, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const users = await context.operate<User[]>('user.list')
      const rows = users.map((one) => [one.name, one.roles.join(','), stateOf(one), when(one.createdAt)])
      print(context.json, users, () => columns(['NAME', 'ROLES', 'STATE', 'CREATED'], rows, 'no users'))
    })

  user
    .command('show <name>')
    .description('show a user, and what he may do')
    .action(async (name: string, _options, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const shown = await context.operate<User>('user.show', { name })
      print(context.json, shown, () => describeUser(shown))
    })
}

function setCommand(user: Command): void {
  withMembers(user.command('set <name>'))
    .description('change a user; other roles end the sessions of that user')
    .option('--replace', 'with --copy-roles: in place of the roles that the user has')
    .option('--owner <user>', 'who has made the user; empty: the command line')
    .option('--totp-required', 'signing in needs a second factor')
    .option('--no-totp-required', 'signing in needs one only where all need it')
    .option(...mustChangeOption)
    .action(
      (
        name: string,
        options: MemberOptions & { replace?: boolean; owner?: string; mustChange?: boolean },
        command: Command,
      ) => {
        const members = {
          ...membersOf(options),
          ...(options.owner !== undefined && { owner: options.owner || null }),
          ...(options.replace && { copyMode: 'replace' }),
          ...(options.mustChange && { mustChange: true }),
        }
        if (Object.keys(members).length === 0) command.error('nothing was said that is to be different')
        return change(command, 'user.set', { name, ...members }, `user ${name} changed`)
      },
    )
}

function passwordCommands(user: Command): void {
  user
    .command('passwd <name>')
    .description('set a password; one is made and printed once unless given')
    .option('--password-stdin', 'read the password from standard input')
    .option(...mustChangeOption)
    .action(async (name: string, options: PasswordOptions, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const params = { name, ...(await passwordOf(options)) }
      const changed = await context.operate<{ password?: string } | null>('user.passwd', params)
      const password = changed?.password ? `\npassword (shown once): ${changed.password}` : ''
      print(context.json, changed ?? {}, `password of ${name} changed, sessions ended${password}`)
    })

  user
    .command('reset-code <name>')
    .description('print a code that stands in for a forgotten password once, for 15 minutes')
    .action(async (name: string, _options, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const made = await context.operate<ResetCode>('user.resetCode', { name })
      print(context.json, made, () => describeCode(made))
    })
}

const passwordOf = async ({ passwordStdin, mustChange }: PasswordOptions) => ({
  ...(passwordStdin ? { password: await readPassword() } : {}),
  ...(mustChange ? { mustChange } : {}),
})

function membersOf(options: MemberOptions): object {
  const { role, alias, scopedRole, apps, totpRequired, delegatedBy, copyRoles } = options
  const { firstName, lastName, email, phone } = options
  const profile = given({ firstName, lastName, email, phone })
  return given({
    ...{ roles: role, alias: alias === '' ? null : alias, totpRequired, copyRolesFrom: copyRoles },
    scopedRoles: scopedRole && Object.fromEntries(scopedRole.filter((one) => one !== '').map(scopedRoleOf)),
    apps: apps === '*' ? null : apps && listed(apps),
    delegatedBy: delegatedBy === '' ? null : delegatedBy,
    profile: Object.keys(profile).length > 0 ? profile : undefined,
  })
}

const given = (members: object): object =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))

const listed = (text: string): string[] => text.split(',').filter((one) => one !== '')

function scopedRoleOf(text: string): [string, string[]] {
  const at = text.indexOf('=')
  if (at < 1) throw new Invalid(`"${text}" is not GROUP=ROLE,ROLE`)
  return [text.slice(0, at), listed(text.slice(at + 1))]
}

const describeCode = ({ code, expiresAt }: ResetCode): string =>
  `code (shown once): ${code}\nIt takes the place of the password on the login page, once, until ${when(expiresAt)}.`

const stateOf = ({ enabled, mustChange, validUntil }: User): string => {
  if (!enabled) return 'disabled'
  if (validUntil !== null) return `until ${when(validUntil)}`
  return mustChange ? 'enabled, must change password' : 'enabled'
}

function describeUser(user: User): string {
  const { alias, profile, roles, scopedRoles, apps, owner, delegatedBy, permissions } = user
  const scoped = Object.entries(scopedRoles).map(([group, held]) => `${group}: ${held.join(', ')}`)
  const may = Object.entries(permissions).map(([category, levels]) => `${category} ${levels.join(' ')}`)
  return fields([
    ['name', user.name],
    ['alias', alias ?? undefined],
    ['person', Object.values(profile).join(', ') || undefined],
    ['state', stateOf(user)],
    ['roles', roles.join(', ') || 'none'],
    ['for apps', scoped.join('; ') || undefined],
    ['let in by', apps === null ? 'all apps, as their gates say' : apps.join(', ') || 'no app'],
    ['password', user.signsInHere ? undefined : 'none: signs in elsewhere'],
    ['second factor', user.totpRequired ? 'required' : undefined],
    ['made by', owner ?? 'command line'],
    ['delegated by', delegatedBy ?? undefined],
    ['since', when(user.createdAt)],
    ['may', may.join('; ') || 'nothing'],
  ])
}
