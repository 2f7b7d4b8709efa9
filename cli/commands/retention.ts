import type { Command } from 'commander'
import { type CommonOptions, createContext } from '../context.ts'
import { columns, print } from '../output.ts'
import { change } from './change.ts'

interface Rule {
  id: number
  dataType: string
  fragmentType: string
  type: string
  source: string
  maximumAge: number
  editable: boolean
  revision: number
}

interface Given {
  data?: string
  fragment?: string
  type?: string
  source?: string
  days?: string
  fixed?: true
  ifRevision?: string
}

export function retentionCommands(program: Command): void {
  const retention = program
    .command('retention')
    .description('what is removed when it has become old; of rules that fit the shortest decides')

  retention
    .command('list')
    .description('the rules')
    .action(async (_options: object, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const rules = await context.operate<Rule[]>('retention.list')
      const rows = rules.map(({ id, dataType, fragmentType, type, source, maximumAge, editable }) => [
        ...[id, dataType, fragmentType, type, source, maximumAge, editable ? '' : 'fixed'],
      ])
      print(context.json, rules, () =>
        columns(
          ['ID', 'DATA', 'FRAGMENT', 'TYPE', 'SOURCE', 'DAYS', ''],
          rows,
          'no rules: nothing becomes old',
        ),
      )
    })

  ruleOptions(retention.command('add').description('add a rule'))
    .option('--fixed', 'it can be changed by this command alone, not by administrators')
    .action(async (given: Given, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const rule = await context.operate<Rule>('retention.add', { dataType: '*', ...paramsOf(given) })
      print(context.json, rule, `rule ${rule.id} added`)
    })

  ruleOptions(retention.command('set <id>').description('change a rule; what is not named stays'))
    .option('--if-revision <number>', 'only while this is its revision')
    .action((id: string, given: Given, command: Command) =>
      change(command, 'retention.set', { ...paramsOf(given), id: Number(id) }, `rule ${id} changed`),
    )

  retention
    .command('remove <id>')
    .description('remove a rule')
    .action((id: string, _options: object, command: Command) =>
      change(command, 'retention.remove', { id: Number(id) }, `rule ${id} removed`),
    )

  retention
    .command('run')
    .description('remove what is old now; the daemon does it once a day')
    .action(async (_options: object, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const result = await context.operate<{ removed: Record<string, number> }>('retention.run')
      const said = Object.entries(result.removed).map(([what, count]) => `${what} ${count}`)
      print(context.json, result, `removed: ${said.join(', ')}`)
    })
}

const ruleOptions = (command: Command): Command =>
  command
    .option('--data <type>', 'AUDIT, EVENT, ALARM, MEASUREMENT or *')
    .option('--fragment <name>', 'of what has this member')
    .option('--type <type>', 'of this type')
    .option('--source <name>', 'of this source')
    .option('--days <days>', 'older than this')

function paramsOf({ data, fragment, type, source, days, fixed, ifRevision }: Given): object {
  const given = {
    ...{ dataType: data, fragmentType: fragment, type, source },
    maximumAge: days === undefined ? undefined : Number(days),
    editable: fixed ? false : undefined,
    ifRevision: ifRevision === undefined ? undefined : Number(ifRevision),
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}
