import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { EdgeError } from '../../core/errors.ts'

export interface LogLine {
  /** Epoch milliseconds. */
  at: number
  /** Of syslog: 3 error, 4 warning, 6 info. */
  priority: number
  message: string
}

class LogUnreadable extends EdgeError {
  override readonly name = 'LogUnreadable'
  readonly code = 'log_unreadable'
  override readonly statusCode = 503
  override readonly cure = 'Let the user of edgeward read the journal: usermod -aG systemd-journal edgeward'
}

const lines = 50
const timeout = 5_000
const maxBuffer = 1024 * 1024

/** The last lines of a systemd unit, the oldest first. Throws `LogUnreadable`. */
export async function readUnitLog(unit: string, journalctl = 'journalctl'): Promise<LogLine[]> {
  const asked = ['-u', unit, '-n', String(lines), '--output=json', '--no-pager', '--quiet']
  try {
    const { stdout } = await promisify(execFile)(journalctl, asked, { timeout, maxBuffer })
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map(readLine)
  } catch (cause) {
    throw new LogUnreadable(`the journal of ${unit} cannot be read`, { cause })
  }
}

function readLine(text: string): LogLine {
  const { MESSAGE, PRIORITY, __REALTIME_TIMESTAMP: micros } = JSON.parse(text) as Record<string, unknown>
  return {
    at: Math.floor(Number(micros ?? 0) / 1000),
    priority: Number(PRIORITY ?? 6),
    message: (Array.isArray(MESSAGE) ? Buffer.from(MESSAGE).toString() : String(MESSAGE ?? '')).slice(
      0,
      2_000,
    ),
  }
}
