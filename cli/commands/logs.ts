import { type Command, Option } from 'commander'
import { callControl, controlSocket } from '../../core/control.ts'
import { EdgeError, Invalid } from '../../core/errors.ts'
import { type LogLevel, logLevels, prettyLine } from '../../core/log.ts'
import type { LogLevels } from '../../core/log-level.ts'
import { durationOf } from '../input.ts'
import { followLines, type LogLine, type LogPlace, lastLines, logPlace } from '../logs/index.ts'
import { fields, print } from '../output.ts'
import type { PlaceOptions } from '../places.ts'
import { stopSignal } from '../serve.ts'
import { sinceOf } from '../since.ts'

interface Shared extends PlaceOptions {
  json?: boolean
  hub?: true
}

interface Shown extends Shared {
  follow?: true
  lines: string
  since?: string
  level?: LogLevel
  module?: string
}

const hubOption = ['--hub', "the hub's instead of the gateway's"] as const
const levelsOf = (flags: string, text: string): Option =>
  new Option(flags, text).choices(logLevels.slice(0, -1))

export function logCommands(program: Command): void {
  program
    .command('logs')
    .description(
      'what the daemon has logged: from the journal of its unit, else from its memory; JSON lines unless on a terminal',
    )
    .option('-f, --follow', 'go on with what comes')
    .option('-n, --lines <count>', 'the last so many', '100')
    .option('--since <time>', 'only from this time on: 15m, 2h, 1d ago, or ISO 8601')
    .addOption(levelsOf('--level <level>', 'this severe or worse'))
    .option('--module <module>', 'of one module, e.g. agent')
    .option(...hubOption)
    .action(async (_options, command: Command) => showLog(command.optsWithGlobals<Shown>()))

  const log = program.command('log').description('what is logged')
  log
    .command('level [level]')
    .description(`show or set the level of the running daemon: ${logLevels.join(', ')}; goes back by itself`)
    .option('--module <module>', 'of one module alone')
    .option('--for <duration>', 'how long it holds, up to 1d', '15m')
    .option('--reset', 'as the configuration says, at once')
    .option(...hubOption)
    .action(async (level: string | undefined, _options, command: Command) =>
      levelCommand(level, command.optsWithGlobals<LevelOptions>()),
    )
}

async function showLog(options: Shown): Promise<void> {
  if (!/^[1-9]\d{0,5}$/.test(options.lines))
    throw new Invalid(`--lines ${options.lines} is not a number from 1 to 999999`)
  const { level, module } = options
  const query = { lines: Number(options.lines), sinceAt: sinceOf(options.since), level, module }
  const say = sayer(options.json === true || !process.stdout.isTTY)
  const signal = stopSignal()
  process.stdout.on('error', () => process.exit(0)) // who reads it has seen enough
  if (!options.follow) return (await lastLines(placeOf(options), query, signal)).forEach(say)
  try {
    for await (const line of followLines(placeOf(options), query, signal)) say(line)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

function sayer(asJson: boolean): (line: LogLine) => void {
  if (asJson) return (line) => print(true, line, '')
  const shown = prettyLine(process.stdout.hasColors?.() ?? false)
  return (line) => void process.stdout.write(shown(line))
}

const placeOf = ({ hub, ...options }: Shared): LogPlace => logPlace(options, hub ? 'hub' : 'gateway')

interface LevelOptions extends Shared {
  module?: string
  for: string
  reset?: true
}

class NotRunning extends EdgeError {
  override readonly name = 'NotRunning'
  readonly code = 'not_running'
  override readonly cure =
    'A level holds for the running process; for the next start set log.level in the configuration.'
}

async function levelCommand(level: string | undefined, options: LevelOptions): Promise<void> {
  const { places } = placeOf(options)
  const named = options.module === undefined ? {} : { module: options.module }
  if (level !== undefined && options.reset) throw new Invalid('give a level or --reset, not both')
  const [operation, params] = options.reset
    ? ['log.resetLevel', named]
    : level === undefined
      ? ['log.level', {}]
      : ['log.setLevel', { level, ...named, forMs: durationOf(options.for, '--for') }]
  const answer = await callControl(controlSocket(places), operation as string, params)
  if (!answer) throw new NotRunning(`nothing runs on ${places.stateDir}`)
  const levels = answer.result as LogLevels
  print(options.json === true, levels, () => describeLevels(levels))
}

const describeLevels = ({ level, configured, modules, set }: LogLevels): string =>
  fields([
    ['level', level],
    ['configured', configured],
    ...set.map(
      ({ module, level: own, leftMs }) =>
        [module ?? 'all', `${own}, for ${Math.ceil(leftMs / 1000)} s more`] as const,
    ),
    ['modules', modules.join(', ')],
  ])
