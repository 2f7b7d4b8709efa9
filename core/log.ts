import { type DestinationStream, type Logger, pino } from 'pino'
import pretty from 'pino-pretty'
import { openLogStream } from './log-stream.ts'

export type { Logger } from 'pino'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

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

/** Logs go to stderr; stdout belongs to results. Secrets are cut even where a caller forgot. */
export function createLog(level: LogLevel, destination: DestinationStream | number = stderr()): Logger {
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
    stream,
  )
  return log
}

const stderr = (): DestinationStream | number => (process.stderr.isTTY ? prettyStream() : 2)

/** In this process, not in pino's worker: a single-file executable cannot load that. */
const prettyStream = (): DestinationStream =>
  pretty({
    destination: 2,
    sync: true,
    ignore: 'module,part',
    messageFormat: '{if module}{module}{end}{if part}/{part}{end} {msg}',
  })
