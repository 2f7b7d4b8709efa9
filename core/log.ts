import { type DestinationStream, type Logger, pino } from 'pino'
import pretty from 'pino-pretty'
import { openLogStream } from './log-stream.ts'

export type { Logger } from 'pino'

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

const secretFields = [
  'authorization',
  'cookie',
  'password',
  'secret',
  'client_secret',
  'clientSecret',
  'token',
  'access_token',
  'iat',
  'registration_access_token',
  'privateKey',
]

/**
 * Logs go to stderr; stdout belongs to results. Secrets are cut even where a caller forgot. `keep` is given
 * each line as it is written.
 */
export function createLog(
  level: LogLevel,
  destination: DestinationStream | number = stderr(),
  keep?: (line: string) => void,
): Logger {
  const lost = (lines: number) => log.error({ lines }, 'log lines lost')
  const stream = typeof destination === 'number' ? openLogStream({ fd: destination, lost }) : destination
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretFields.flatMap((field) => [field, `*.${field}`]), censor: '[cut]' },
    },
    keep ? { write: writingBoth(keep, stream) } : stream,
  )
  return log
}

const writingBoth =
  (keep: (line: string) => void, stream: DestinationStream) =>
  (line: string): void => {
    keep(line)
    stream.write(line)
  }

const stderr = (): DestinationStream | number => (process.stderr.isTTY ? prettyStream() : 2)

const forPeople = {
  ignore: 'module,part',
  messageFormat: '{if module}{module}{end}{if part}/{part}{end} {msg}',
}

/** In this process, not in pino's worker: a single-file executable cannot load that. */
const prettyStream = (): DestinationStream => pretty({ ...forPeople, destination: 2, sync: true })

/** How a line is shown to people. */
export const prettyLine = (colorize: boolean): ((line: object) => string) =>
  pretty.prettyFactory({ ...forPeople, colorize })
