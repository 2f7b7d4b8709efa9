import type { Command } from 'commander'
import { type CommonOptions, createContext } from '../context.ts'
import { readPassword } from '../input.ts'
import { columns, print, when } from '../output.ts'

interface User {
  name: string
  roles: string[]
  enabled: boolean
  mustChange?: boolean
  createdAt?: number
}

interface Session {
  id: string
  user: string
  createdAt: number
  expiresAt: number
  address?: string
}

const roleOption = ['--role <role>', 'role, may be repeated: Admin, AppAdmin, Operator, Viewer'] as const
const mustChangeOption = ['--must-change', 'the user must choose a new password at the next login'] as const
const collect = (value: string, before: string[]) => [...before, value]

interface PasswordOptions {
  passwordStdin?: boolean
  mustChange?: boolean
}

const passwordOf = async ({ passwordStdin, mustChange }: PasswordOptions) => ({
  ...(passwordStdin ? { password: await readPassword() } : {}),
  ...(mustChange ? { mustChange } : {}),
})

export function userCommands(program: Command): void {
  const user = program.command('user').description('users of this box')
  user
    .command('add <name>')
    .description('add a user; a password is made and printed once unless one is given')
    .option(...roleOption, collect, [])
    .option('--password-stdin', 'read the password from standard input')
    .option(...mustChangeOption)
    .action(async (name: string, options: PasswordOptions & { role: string[] }, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const added = await context.operate<{ name: string; roles: string[]; password?: string }>('user.add', {
        name,
        roles: options.role,
        ...(await passwordOf(options)),
      })
      const password = added.password ? `\npassword (shown once): ${added.password}` : ''
      print(context.json, added, `user ${name} added with ${added.roles.join(', ') || 'no role'}${password}`)
    })

  user
    .command('list')
    .description('list the users')
    .action(async (_options, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const users = await context.operate<User[]>('user.list')
      const rows = users.map(({ name, roles, enabled, mustChange, createdAt }) => [
        name,
        roles.join(','),
        !enabled ? 'disabled' : mustChange ? 'enabled, must change password' : 'enabled',
        when(createdAt),
      ])
      print(context.json, users, () => columns(['NAME', 'ROLES', 'STATE', 'CREATED'], rows, 'no users'))
    })

  user
    .command('set <name>')
    .description('set the roles of a user; ends the sessions of that user')
    .option(...roleOption, collect, [])
    .action((name: string, { role }: { role: string[] }, command: Command) =>
      change(command, 'user.set', { name, roles: role }, `user ${name} has ${role.join(', ') || 'no role'}`),
    )

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

  sessionCommands(program)
}

function sessionCommands(program: Command): void {
  const session = program.command('session').description('sessions of the users')
  session
    .command('list')
    .description('list the live sessions')
    .option('--user <name>', 'of one user')
    .action(async ({ user }: { user?: string }, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const sessions = await context.operate<Session[]>('session.list', user === undefined ? {} : { user })
      const rows = sessions.map(({ id, user, createdAt, expiresAt, address }) => [
        id,
        user,
        when(createdAt),
        when(expiresAt),
        address,
      ])
      print(context.json, sessions, () =>
        columns(['ID', 'USER', 'SINCE', 'UNTIL', 'ADDRESS'], rows, 'no sessions'),
      )
    })

  session
    .command('end [id]')
    .description('end one session, those of a user, or all')
    .option('--user <name>', 'all sessions of a user')
    .option('--all', 'all sessions of the box')
    .action(async (id: string | undefined, options: { user?: string; all?: boolean }, command: Command) => {
      const chosen = [
        id !== undefined && { id },
        options.user !== undefined && { user: options.user },
        options.all && { all: true },
      ]
      const params = chosen.filter((choice) => choice !== false && choice !== undefined)
      if (params.length !== 1) command.error('name one: a session id, --user NAME or --all')
      await change(command, 'session.end', params[0] as object, 'ended')
    })
}

async function change(command: Command, operation: string, params: object, said: string): Promise<void> {
  const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
  const result = await context.operate(operation, params)
  print(context.json, result ?? {}, said)
}
