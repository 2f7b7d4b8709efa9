import type { Command } from 'commander'
import { type CommonOptions, createContext } from '../context.ts'
import { columns, fields, print } from '../output.ts'
import { change } from './change.ts'

interface Group {
  name: string
  apps: string[]
  owner: string | null
}

export function groupCommands(program: Command): void {
  const group = program
    .command('group')
    .description('groups of apps: roles that a user has for a group hold for its apps alone')

  group
    .command('list')
    .description('list the groups')
    .action(async (_options, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const groups = await context.operate<Group[]>('appGroup.list')
      const rows = groups.map(({ name, apps }) => [name, apps.join(',')])
      print(context.json, groups, () => columns(['NAME', 'APPS'], rows, 'no groups of apps'))
    })

  group
    .command('show <name>')
    .description('show a group')
    .action(async (name: string, _options, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const shown = await context.operate<Group>('appGroup.show', { name })
      print(context.json, shown, () =>
        fields([
          ['name', shown.name],
          ['apps', shown.apps.join(', ') || 'none'],
          ['made by', shown.owner ?? 'command line'],
        ]),
      )
    })

  for (const [verb, description] of [
    ['add', 'make a group of apps'],
    ['set', 'say which apps are in a group, in full; ends the sessions of who has roles for it'],
  ] as const)
    group
      .command(`${verb} <name> [apps...]`)
      .description(description)
      .action((name: string, apps: string[], _options, command: Command) =>
        change(command, `appGroup.${verb}`, { name, apps }, `group ${name}: ${apps.join(', ') || 'no apps'}`),
      )

  group
    .command('remove <name>')
    .description('remove a group that nobody has roles for')
    .option('--force', 'take the roles for it away; the sessions of who has some end')
    .action((name: string, { force = false }: { force?: boolean }, command: Command) =>
      change(command, 'appGroup.remove', { name, force }, `group ${name} removed`),
    )
}
