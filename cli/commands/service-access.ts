import type { Command } from 'commander'
import { type CommonOptions, createContext } from '../context.ts'
import { columns, print, when } from '../output.ts'
import { change } from './change.ts'

interface ServiceAccess {
  name: string
  roles: string[]
  owner: string | null
  validUntil: number
}

export function serviceAccessCommands(program: Command): void {
  const access = program
    .command('service-access')
    .description('let somebody in to help, for a day at most; an alarm stands meanwhile')

  access
    .command('open')
    .description('make a user whose name and password are printed once')
    .requiredOption('--role <role>', 'what the user may do')
    .option('--hours <hours>', 'how long, 1 to 24', Number, 24)
    .action(async ({ role, hours }: { role: string; hours: number }, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const opened = await context.operate<ServiceAccess & { password: string }>('serviceAccess.open', {
        role,
        hours,
      })
      const { name, password, validUntil } = opened
      const until = `until ${when(validUntil)}`
      print(context.json, opened, `user ${name} with ${role}, ${until}\npassword (shown once): ${password}`)
    })

  access
    .command('close <name>')
    .description('end it before its time; the user is removed')
    .action((name: string, _options, command: Command) =>
      change(command, 'serviceAccess.close', { name }, `service access ${name} closed`),
    )

  access
    .command('list')
    .description('list who was let in')
    .action(async (_options, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const open = await context.operate<ServiceAccess[]>('serviceAccess.list')
      const rows = open.map(({ name, roles, validUntil, owner }) => [
        ...[name, roles.join(','), when(validUntil), owner ?? 'command line'],
      ])
      print(context.json, open, () =>
        columns(['NAME', 'ROLES', 'UNTIL', 'OPENED BY'], rows, 'no service access is open'),
      )
    })
}
