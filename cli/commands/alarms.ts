import type { Command } from 'commander'
import type { AlarmView, DeviceEvent } from '../../protocol/alarm.ts'
import { type CommonOptions, createContext } from '../context.ts'
import { columns, print, when } from '../output.ts'
import { change } from './change.ts'

interface Mapping {
  type: string
  severity: string | null
  text: string | null
  dropped: boolean
  revision: number
}

export function alarmCommands(program: Command): void {
  const alarm = program.command('alarm').description('what an operator must know of, while it lasts')

  alarm
    .command('list')
    .description('alarms that stand, the newest first')
    .option('--all', 'those that were cleared, too')
    .option('--status <status>', 'ACTIVE, ACKNOWLEDGED or CLEARED')
    .option('--severity <severity>', 'CRITICAL, MAJOR, MINOR or WARNING')
    .option('--type <type>', 'of one type, e.g. source_dead')
    .option('--source <name>', 'of one source')
    .action(async ({ all, ...query }: { all?: true; status?: string }, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const found = await context.operate<AlarmView[]>('alarm.list', query)
      const alarms = found.filter(({ status }) => all || query.status || status !== 'CLEARED')
      print(context.json, alarms, () => alarmTable(alarms))
    })

  alarm
    .command('ack <alarm>')
    .description('say that somebody looks after it, by id or by "type:source"; it goes when its cause does')
    .action((id: string, _options: object, command: Command) =>
      change(command, 'alarm.ack', { id }, `alarm ${id} acknowledged`),
    )

  mappingCommands(alarm)

  program
    .command('event')
    .description('what has happened on the box')
    .command('list')
    .description('the newest few hundred, newest first')
    .option('--type <type>', 'of one type, e.g. power_cut_suspected')
    .action(async (query: { type?: string }, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const events = await context.operate<DeviceEvent[]>('event.list', query)
      const rows = events.map(({ time, type, source, text }) => [when(time), type, source, text])
      print(context.json, events, () => columns(['TIME', 'EVENT', 'SOURCE', 'TEXT'], rows, 'no events'))
    })
}

function mappingCommands(alarm: Command): void {
  const mapping = alarm.command('mapping').description('tell alarms of a type otherwise, or not at all')
  mapping
    .command('list')
    .description('the mappings')
    .action(async (_options: object, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const mappings = await context.operate<Mapping[]>('alarm.mappings')
      const rows = mappings.map(({ type, severity, text, dropped }) => [
        ...[type, dropped ? 'dropped' : severity, text],
      ])
      print(context.json, mappings, () => columns(['TYPE', 'SEVERITY', 'TEXT'], rows, 'no mappings'))
    })
  mapping
    .command('set <type>')
    .description('map alarms of a type; what is not named is told as it is')
    .option('--severity <severity>', 'CRITICAL, MAJOR, MINOR or WARNING')
    .option('--text <text>', 'in place of its own')
    .option('--drop', 'tell nobody')
    .action(
      (
        type: string,
        { drop, ...given }: { drop?: true; severity?: string; text?: string },
        command: Command,
      ) => change(command, 'alarm.map', { type, ...given, dropped: drop ?? false }, `alarms ${type} mapped`),
    )
  mapping
    .command('remove <type>')
    .description('tell alarms of a type as they are')
    .action((type: string, _options: object, command: Command) =>
      change(command, 'alarm.unmap', { type }, `alarms ${type} are told as they are`),
    )
}

export function alarmTable(alarms: readonly AlarmView[]): string {
  const rows = alarms.map(
    ({ id, severity, status, type, source, count, lastOccurrence, acknowledgedBy, text }) => [
      ...[id, severity, acknowledgedBy === undefined ? status : `${status} by ${acknowledgedBy}`],
      ...[type, source, count, when(lastOccurrence), text],
    ],
  )
  const headings = ['ID', 'SEVERITY', 'STATUS', 'TYPE', 'SOURCE', 'COUNT', 'LAST', 'TEXT']
  return columns(headings, rows, 'no alarms')
}
