import type { Command } from 'commander'
import type { AlarmView, DeviceEvent } from '../../protocol/alarm.ts'
import { type CommonOptions, createContext } from '../context.ts'
import { columns, print, when } from '../output.ts'

/** Alarms and events of the agents, as the hub has heard of them. */
export function hubAlarmCommands(hub: Command): void {
  hub
    .command('alarm')
    .description('alarms of agents')
    .command('list')
    .description('those that stand, the newest first')
    .option('--agent <agent>', 'of one agent, by id or name')
    .option('--all', 'those that were cleared, too')
    .option('--severity <severity>', 'CRITICAL, MAJOR, MINOR or WARNING')
    .option('--type <type>', 'of one type, e.g. source_dead')
    .action(async (query: object, command: Command) => {
      const context = createContext('hub', command.optsWithGlobals<CommonOptions>())
      const alarms = await context.operate<(AlarmView & { agent: string })[]>('alarm.list', query)
      const rows = alarms.map(({ agent, severity, status, type, source, count, lastOccurrence, text }) => [
        ...[agent, severity, status, type, source, count, when(lastOccurrence), text],
      ])
      const headings = ['AGENT', 'SEVERITY', 'STATUS', 'TYPE', 'SOURCE', 'COUNT', 'LAST', 'TEXT']
      print(context.json, alarms, () => columns(headings, rows, 'no alarms'))
    })
  hub
    .command('event')
    .description('what has happened on the boxes')
    .command('list')
    .description('events of an agent, the newest first')
    .requiredOption('--agent <agent>', 'id or name')
    .action(async (query: { agent: string }, command: Command) => {
      const context = createContext('hub', command.optsWithGlobals<CommonOptions>())
      const events = await context.operate<DeviceEvent[]>('event.list', { agent: query.agent })
      const rows = events.map(({ time, type, source, text }) => [when(time), type, source, text])
      print(context.json, events, () => columns(['TIME', 'EVENT', 'SOURCE', 'TEXT'], rows, 'no events'))
    })
}
