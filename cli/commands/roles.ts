import type { Command } from 'commander'
import { Invalid } from '../../core/errors.ts'
import { type CommonOptions, createContext } from '../context.ts'
import { columns, fields, print } from '../output.ts'
import { change, collect } from './change.ts'

interface Role {
  name: string
  description: string
  permissions: Record<string, string[]>
  owner: string | null
  predefined: boolean
}

const permissionOption = [
  '--permission <category=levels>',
  'for example Alarms=READ,UPDATE; may be repeated',
  collect,
] as const

interface RoleOptions {
  description?: string
  permission?: string[]
}

export function roleCommands(program: Command): void {
  const role = program.command('role').description('roles: what their users may do in the administration')
  showCommands(role)

  role
    .command('add <name>')
    .description('make a role; apps see its name, and their gates can ask for it')
    .option(...permissionOption)
    .option('--description <text>', 'what it is for')
    .action((name: string, { description, permission = [] }: RoleOptions, command: Command) =>
      change(
        command,
        'role.add',
        { name, permissions: permissionsOf(permission), ...(description !== undefined && { description }) },
        `role ${name} added`,
      ),
    )

  role
    .command('set <name>')
    .description('change a role; other permissions, given in full, end the sessions of who has it')
    .option(...permissionOption)
    .option('--no-permissions', 'take all permissions away')
    .option('--description <text>', 'what it is for')
    .action(
      (
        name: string,
        { description, permission, permissions }: RoleOptions & { permissions: boolean },
        command: Command,
      ) => {
        const wanted = permissions ? permission && permissionsOf(permission) : {}
        if (wanted === undefined && description === undefined)
          command.error('nothing was said that is to be different')
        const edit = {
          ...(wanted && { permissions: wanted }),
          ...(description !== undefined && { description }),
        }
        return change(command, 'role.set', { name, ...edit }, `role ${name} changed`)
      },
    )

  role
    .command('remove <name>')
    .description('remove a role that nobody has')
    .option('--force', 'take it from who has it; their sessions end')
    .action((name: string, { force = false }: { force?: boolean }, command: Command) =>
      change(command, 'role.remove', { name, force }, `role ${name} removed`),
    )
}

function showCommands(role: Command): void {
  role
    .command('list')
    .description('list the roles')
    .action(async (_options, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const roles = await context.operate<Role[]>('role.list')
      const rows = roles.map(({ name, predefined, description }) => [
        ...[name, predefined ? 'every box' : 'this box', description],
      ])
      print(context.json, roles, () => columns(['NAME', 'OF', 'DESCRIPTION'], rows, 'no roles'))
    })

  role
    .command('show <name>')
    .description('show a role and its permissions')
    .action(async (name: string, _options, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const shown = await context.operate<Role>('role.show', { name })
      const { description, owner, predefined, permissions } = shown
      const held = Object.entries(permissions).map(
        ([category, levels]) => [category, levels.join(' ')] as const,
      )
      print(context.json, shown, () =>
        fields([
          ['name', name],
          ['description', description || undefined],
          ['made by', predefined ? 'every box has it' : (owner ?? 'command line')],
          ...(held.length > 0 ? held : [['permissions', 'none'] as const]),
        ]),
      )
    })
}

const permissionsOf = (given: readonly string[]): object => Object.fromEntries(given.map(permissionOf))

function permissionOf(text: string): [string, string[]] {
  const [, category, levels] = /^([A-Za-z]+)=([A-Za-z,]+)$/.exec(text) ?? []
  if (category === undefined || levels === undefined)
    throw new Invalid(`"${text}" is not CATEGORY=LEVEL,LEVEL`)
  return [category, levels.toUpperCase().split(',')]
}
