import type { Command } from 'commander'
import type { OneRead } from '../../agent/index.ts'
import type { Config } from '../../config.ts'
import { systemClock } from '../../core/clock.ts'
import { Invalid } from '../../core/errors.ts'
import type { DataSource } from '../../protocol/data-source-configuration.ts'
import { type CommonOptions, createContext } from '../context.ts'
import { columns, print } from '../output.ts'
import { adviceFor, ageOf } from '../values.ts'

export function testCommand(source: Command): void {
  source
    .command('test [name]')
    .description('read every point of a data source once, now; nothing is stored')
    .option('--file <file>', 'the data sources of a file, which need not be applied: TOML or JSON')
    .action(async (name: string | undefined, { file }: { file?: string }, command: Command) => {
      const { json, operate, config } = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const read = await operate<OneRead[]>('agent.sourceTest', await asked(name, file, config))
      if (read.some(({ outcome }) => outcome === 'failed')) process.exitCode = 5
      else if (read.some(isFaulty)) process.exitCode = 1
      print(json, read, () => read.map(describe).join('\n\n') || 'no data sources')
    })
}

async function asked(name: string | undefined, file: string | undefined, { sources }: Config) {
  if ((name === undefined) === (file === undefined))
    throw new Invalid('either the name of a data source or --file is needed', {
      cure: '"edgeward source list" has the names.',
    })
  if (file === undefined) return { name }
  const { readSourceFile } = await import('../../agent/index.ts')
  const dataSources: readonly DataSource[] = await readSourceFile(file, {
    minIntervalMs: sources.min_interval,
  })
  return { dataSources }
}

const isFaulty = ({ outcome, points }: OneRead): boolean =>
  outcome === 'incomplete' || points.some((point) => 'missing' in point || point.read.quality !== 'Good')

function describe({ name, protocol, outcome, reason, points }: OneRead): string {
  if (outcome === 'waits')
    return `${name} (${protocol}) waits for what others send, and cannot be asked: "edgeward source watch ${name}" shows what comes.`
  const now = systemClock.now()
  const rows = points.map((point) => {
    if ('missing' in point) return [point.id, undefined, undefined, 'was not read', undefined, undefined]
    const { read } = point
    const value = typeof read.value === 'string' ? JSON.stringify(read.value) : read.value
    return [
      point.id,
      read.name,
      value,
      read.unit ?? '',
      read.quality,
      read.reason ?? '',
      ageOf(read.time, now),
    ]
  })
  const advice = adviceFor(points.map((point) => ('read' in point ? point.read.reason : undefined)))
  return [
    `${name} (${protocol}): ${said[outcome]}${reason === undefined ? '' : `: ${reason}`}`,
    columns(['POINT', 'NAME', 'VALUE', 'UNIT', 'QUALITY', 'REASON', 'AGE'], rows, 'no points'),
    ...advice,
  ].join('\n')
}

const said: Readonly<Record<Exclude<OneRead['outcome'], 'waits'>, string>> = {
  read: 'every point was read',
  incomplete: 'not every point was read',
  failed: 'the device does not answer',
}
