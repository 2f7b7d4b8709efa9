import type { Command } from 'commander'
import { browseCommand, trustCommand } from './source-browse.ts'
import { decodeCommand } from './source-decode.ts'
import { listCommand } from './source-list.ts'
import { metricsCommand } from './source-metrics.ts'
import { testCommand } from './source-test.ts'
import { watchCommand } from './source-watch.ts'

export function sourceCommands(program: Command): void {
  const source = program.command('source').description('field data sources')
  listCommand(source)
  testCommand(source)
  watchCommand(source)
  decodeCommand(source)
  metricsCommand(source)
  browseCommand(source)
  trustCommand(source)
}
