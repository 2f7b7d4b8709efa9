import type { Command } from 'commander'
import type { History, RunningTrial, Version } from '../../agent/index.ts'
import { ConfigSchema, exampleConfig } from '../../config.ts'
import { systemClock } from '../../core/clock.ts'
import { Invalid } from '../../core/errors.ts'
import { type CommonOptions, type Context, createContext } from '../context.ts'
import { exampleSources } from '../example-sources.ts'
import { columns, print, when } from '../output.ts'
import { shownValue } from '../values.ts'

export function configCommands(program: Command): void {
  const config = program.command('config').description('the configuration file, and what is measured')
  fileCommands(config)
  versionCommands(config)
}

const contextOf = (command: Command): Context =>
  createContext('gateway', command.optsWithGlobals<CommonOptions>())

function fileCommands(config: Command): void {
  config
    .command('check')
    .description('check the configuration file, the environment and the local data sources')
    .action(async (_options, command: Command) => {
      const { json, config: read } = contextOf(command)
      const { checkLocalSources } = await import('../../agent/index.ts')
      const { dir, min_interval: minIntervalMs } = read.sources
      const { files, dataSources } = await checkLocalSources(dir, { minIntervalMs })
      const local = files === 0 ? '' : `; ${dataSources} data sources in ${files} files below ${dir} are, too`
      print(json, { ok: true, files, dataSources }, `the configuration is valid${local}`)
    })

  config
    .command('show')
    .description('the configuration in force, defaults included; durations in milliseconds')
    .action((_options, command: Command) => print(true, contextOf(command).config, ''))

  config
    .command('example')
    .description('a configuration file with every key, its meaning and default')
    .option('--sources', 'a file of local data sources instead, for /etc/edgeward/sources.d')
    .action(({ sources }: { sources?: true }) => {
      process.stdout.write(sources ? exampleSources : exampleConfig())
    })

  config
    .command('schema')
    .description('JSON Schema of the configuration file, for editors and other programs')
    .option('--sources', 'of data sources instead, those of the hub and those of local files')
    .action(async ({ sources }: { sources?: true }) => {
      const { sourceSchema } = await import('../../agent/index.ts')
      const schema = sources ? sourceSchema() : ConfigSchema
      process.stdout.write(`${JSON.stringify(schema, null, 2)}\n`)
    })
}

function versionCommands(config: Command): void {
  config
    .command('history')
    .description('the newest configurations of data sources, and what became of them')
    .action(async (_options, command: Command) => {
      const { json, operate } = contextOf(command)
      const history = await operate<History>('config.history')
      print(json, history, () => describeHistory(history))
    })

  config
    .command('revert [number]')
    .description(
      'go back to a version of the history, to the one before unless told; one that never was in force is tried again',
    )
    .action(async (text: string | undefined, _options, command: Command) => {
      const { json, operate } = contextOf(command)
      const number = text === undefined ? undefined : wholeOf(text)
      const version = await operate<Version & { of: number }>('config.revert', { number })
      if (version.state !== 'active') process.exitCode = 1
      print(json, version, () => describeReverted(version))
    })

  config
    .command('trial')
    .description('the configuration that is on trial: what its sources read, and what those before read')
    .action(async (_options, command: Command) => {
      const { json, operate } = contextOf(command)
      const { trial } = await operate<{ trial: RunningTrial | null }>('config.trial')
      print(json, { trial }, () => (trial ? describeTrial(trial) : 'no configuration is on trial'))
    })
}

function wholeOf(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new Invalid(`"${text}" is not the number of a version`, {
      cure: '"edgeward config history" has them.',
    })
  return Number(text)
}

function describeHistory({ versions, active }: History): string {
  const rows = versions.map((version) => [
    version.number,
    version.number === active ? 'in force' : version.state,
    when(version.at),
    { hub: 'hub', local: 'local files', revert: 'revert' }[version.origin],
    version.configurationId === undefined ? undefined : `${version.configurationId} (eTag ${version.eTag})`,
    version.dataSources,
    whyOf(version),
  ])
  const headings = ['VERSION', 'STATE', 'SINCE', 'FROM', 'OF THE HUB', 'SOURCES', 'REASON']
  return columns(headings, rows, 'nothing has been configured yet')
}

const whyOf = ({ reason, faults = [] }: Version): string | undefined => {
  const [first] = faults
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : ''
  const fault = first && `${first.source === undefined ? '' : `${first.source}: `}${first.fault}${more}`
  return [reason, fault].filter((part) => part !== undefined).join('; ') || undefined
}

const describeReverted = (version: Version & { of: number }): string =>
  version.state === 'active'
    ? `what version ${version.of} says is in force, as version ${version.number}`
    : `version ${version.of} was tried again as version ${version.number} and does not read: ${whyOf(version)}`

function describeTrial({ version, sources, leftMs }: RunningTrial): string {
  const now = systemClock.now()
  const rows = sources.flatMap(({ name, way, state, points }) =>
    points.map(({ id, now: read, before, reads }) => [
      ...[name, way === 'beside' ? state : `${state}, instead`, id],
      read && shownValue(read, now),
      before && shownValue(before, now),
      reads ? 'reads' : 'waits',
    ]),
  )
  return [
    `version ${version.number} is on trial for at most ${Math.ceil(leftMs / 1000)} s more`,
    ...sources.flatMap(({ name, reason }) => (reason === undefined ? [] : [`  ${name}: ${reason}`])),
    '',
    columns(['SOURCE', 'STATE', 'POINT', 'NOW', 'BEFORE', ''], rows, 'nothing to read'),
  ].join('\n')
}
