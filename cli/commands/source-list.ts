import type { Command } from 'commander'
import type { SourceStatus } from '../../agent/index.ts'
import { systemClock } from '../../core/clock.ts'
import { type CommonOptions, createContext } from '../context.ts'
import { columns, print } from '../output.ts'
import { adviceFor, ageOf } from '../values.ts'

type ListedSource = SourceStatus & { origin: 'hub' | 'local' }

export function listCommand(source: Command): void {
  source
    .command('list')
    .description('data sources, how they stand with their devices, and what they have read')
    .action(async (_options, command: Command) => {
      const { json, operate } = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const sources = await operate<ListedSource[]>('agent.sources')
      print(json, sources, () => describe(sources, systemClock.now()))
    })
}

function describe(sources: readonly ListedSource[], now: number): string {
  const rows = sources.map((each) => [
    ...[each.name, each.protocol, each.origin, each.state, each.readings],
    each.lastReadingAt === undefined ? undefined : ageOf(each.lastReadingAt, now),
    ...[sum(each.bad), each.withheld, each.lost + each.refused, each.overruns],
    each.lateMs && `${each.lateMs.median}/${each.lateMs.max}`,
  ])
  const headings = [
    'SOURCE',
    'PROTOCOL',
    'FROM',
    'STATE',
    'READINGS',
    'AGE',
    'NOT GOOD',
    'HELD BACK',
    'NOT KEPT',
  ]
  const reasons = sources.flatMap(({ name, state, reason }) =>
    reason === undefined ? [] : [`${name} is ${state}: ${reason}`],
  )
  const advice = adviceFor(sources.flatMap(({ bad }) => Object.keys(bad)))
  return [
    columns([...headings, 'OVERRUNS', 'LATE ms'], rows, 'no data sources'),
    ...(reasons.length > 0 ? ['', ...reasons] : []),
    ...(advice.length > 0 ? ['', ...advice] : []),
  ].join('\n')
}

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0)
