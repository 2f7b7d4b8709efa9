import type { Command } from 'commander'
import { systemClock } from '../../core/clock.ts'
import { stringifyExact } from '../../core/json.ts'
import type { CommonOptions } from '../context.ts'
import { columns, print } from '../output.ts'

export function metricsCommand(source: Command): void {
  source
    .command('metrics')
    .description('what a source of the protocol "system" can read on this machine, with its value now')
    .action(async (_own: unknown, command: Command) => {
      const { json = false } = command.optsWithGlobals<CommonOptions>()
      const { surveyMetrics } = await import('../../agent/index.ts')
      const found = await surveyMetrics(systemClock)
      const rows = found.map(({ metric, option, value, unit, types }) => [
        ...[metric, option ? `"${option.key}":"${option.name}"` : '', stringifyExact(value), unit],
        types.join(', '),
      ])
      const shown = found.map((each) => ({ ...each, value: asNumber(each.value) }))
      print(json, shown, () => columns(['METRIC', 'AND', 'VALUE', 'UNIT', 'TYPES'], rows, 'no metric'))
    })
}

/** Beyond 2^53 the digits, as text. */
const asNumber = (value: number | bigint | boolean): number | string | boolean =>
  typeof value === 'bigint' ? String(value) : value
