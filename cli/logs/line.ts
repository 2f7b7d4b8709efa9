import { type LogLevel, logLevels } from '../../core/log.ts'

/** A line of the log as it was written, or what else a unit has said, put into the same form. */
export interface LogLine {
  time: string
  level: LogLevel
  msg: string
  module?: string
  [field: string]: unknown
}

export interface LogFilter {
  /** Epoch milliseconds. */
  sinceAt?: number | undefined
  /** And what is worse. */
  level?: LogLevel | undefined
  module?: string | undefined
}

/** Undefined for what no process of ours has written. */
export function parseLine(text: string): LogLine | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    const line = JSON.parse(text) as Partial<LogLine>
    return typeof line.time === 'string' && typeof line.level === 'string' ? (line as LogLine) : undefined
  } catch {
    return undefined // cut in the middle
  }
}

const rank = (level: LogLevel): number => logLevels.indexOf(level)

export const fits =
  ({ sinceAt, level, module }: LogFilter) =>
  (line: LogLine): boolean =>
    (sinceAt === undefined || Date.parse(line.time) >= sinceAt) &&
    (level === undefined || rank(line.level) >= rank(level)) &&
    (module === undefined || line.module === module)
