import { execFile, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type { LogLevel } from '../../core/log.ts'
import { type LogLine, parseLine } from './line.ts'

export interface Unit {
  /** It is installed here. */
  isKnown: boolean
  /** Of its main process; 0 while it does not run. */
  pid: number
}

const patienceMs = 3_000

/** How systemd sees a unit; one that is not known where there is no systemd. */
export async function unitOf(name: string): Promise<Unit> {
  const asked = ['show', name, '--property=LoadState,MainPID']
  const { stdout } = await promisify(execFile)('systemctl', asked, { timeout: patienceMs }).catch(() => ({
    stdout: '',
  }))
  return {
    isKnown: /^LoadState=loaded$/m.test(stdout),
    pid: Number(/^MainPID=(\d+)$/m.exec(stdout)?.[1] ?? 0),
  }
}

export interface JournalQuery {
  /** The newest so many; all unless told. */
  lines?: number | undefined
  sinceAt?: number | undefined
  follow?: boolean
}

/** What a unit has said, the oldest first. Ends with the journal, or never when it is followed. */
export async function* readJournal(
  unit: string,
  { lines, sinceAt, follow }: JournalQuery,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const asked = [
    ...['-u', unit, '--output=json', '--no-pager', '--quiet'],
    ...(lines === undefined ? [] : ['-n', String(lines)]),
    ...(sinceAt === undefined ? [] : [`--since=@${Math.floor(sinceAt / 1000)}`]),
    ...(follow ? ['-f'] : []),
  ]
  const child = spawn('journalctl', asked, { stdio: ['ignore', 'pipe', 'ignore'], signal })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  child.once('error', () => {}) // not there, or the signal: there is no line more
  try {
    for await (const text of createInterface({ input: child.stdout })) {
      const entry = parseEntry(text)
      if (entry) yield entryOf(entry)
    }
  } finally {
    child.kill()
    await ended
  }
}

/** Priorities of syslog. */
const levels: readonly LogLevel[] = ['fatal', 'fatal', 'fatal', 'error', 'warn', 'info', 'info', 'debug']

/** Undefined for a line that was cut when journalctl was ended. */
function parseEntry(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
}

function entryOf(entry: Record<string, unknown>): LogLine {
  const said = Array.isArray(entry.MESSAGE)
    ? Buffer.from(entry.MESSAGE).toString()
    : String(entry.MESSAGE ?? '')
  return (
    parseLine(said) ?? {
      time: new Date(Math.floor(Number(entry.__REALTIME_TIMESTAMP ?? 0) / 1000)).toISOString(),
      level: levels[Number(entry.PRIORITY ?? 6)] ?? 'info',
      from: String(entry.SYSLOG_IDENTIFIER ?? ''),
      msg: said,
    }
  )
}
