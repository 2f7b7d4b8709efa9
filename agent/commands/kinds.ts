import { EdgeError } from '../../core/errors.ts'
import { release } from '../../core/release.ts'
import {
  type CommandKind,
  type CommandParams,
  isCommandKind,
  maxLogLines,
  maxResultBytes,
  parseCommandParams,
} from '../../protocol/commands.ts'
import type { Refusal } from './command.ts'
import { redacted, redactedLine } from './redaction.ts'

/** What the box does for a command. */
export interface Abilities {
  /** Ends the process in order; undefined where nobody would start it again. */
  restart?: (() => void) | undefined
  /** The newest lines of the log, the oldest first. */
  recentLog?: (() => readonly string[]) | undefined
  /** What "edgeward doctor --json" finds. */
  doctor?: ((signal: AbortSignal) => Promise<unknown>) | undefined
  /** The configuration file in force. */
  settings?: object | undefined
  /** Fetches the data source configuration, and waits until it was considered. */
  fetchConfiguration(signal: AbortSignal): Promise<void>
  /** What is measured, and what became of the newest. */
  configuration(): { status: object; dataSources: unknown }
  rotate(): Promise<unknown>
}

/** What is done for each kind; what it resolves with goes to the hub. */
export type Kinds = {
  [K in CommandKind]: (params: CommandParams[K], signal: AbortSignal) => Promise<unknown>
}

/** Undefined when it may be done. */
export function refusalOf(
  { kind, params }: { kind: string; params: unknown },
  abilities: Abilities,
  allowed: readonly string[],
): Refusal | undefined {
  if (!isCommandKind(kind))
    return { code: 'unknown_kind', reason: `edgeward ${release} knows no command ${JSON.stringify(kind)}` }
  if (!allowed.includes(kind))
    return { code: 'not_allowed', reason: `agent.remote_commands of this box does not allow ${kind}` }
  try {
    parseCommandParams(kind, params)
  } catch (error) {
    if (!(error instanceof EdgeError)) throw error
    return { code: 'invalid', reason: error.message }
  }
  if (kind === 'restart' && abilities.restart === undefined)
    return {
      code: 'not_supervised',
      reason:
        'nobody would start edgeward again: it does not run under systemd, and agent.supervised is not set',
    }
  if ((kind === 'log' && !abilities.recentLog) || (kind === 'doctor' && !abilities.doctor))
    return { code: 'not_available', reason: `this process cannot do ${kind}` }
  return undefined
}

export const kindsOf = (abilities: Abilities): Kinds => ({
  restart(_params, signal) {
    abilities.restart?.()
    return new Promise((_resolve, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
    )
  },
  log: async ({ lines = defaultLines }) => excerpt(abilities.recentLog?.() ?? [], lines),
  doctor: async (_params, signal) => bounded(redacted(await abilities.doctor?.(signal))),
  async configuration({ fetch = true }, signal) {
    if (fetch) await abilities.fetchConfiguration(signal)
    const { status, dataSources } = abilities.configuration()
    const shown = { status, settings: abilities.settings, dataSources }
    return bounded(redacted(shown), redacted({ ...shown, dataSources: 'too many to be shown' }))
  },
  rotate: async () => redacted(await abilities.rotate()),
})

const defaultLines = 200
const maxLogBytes = 64 * 1024

/** The newest lines that fit. */
function excerpt(all: readonly string[], count: number): { lines: string[]; leftOut: number } {
  const lines: string[] = []
  let bytes = 0
  for (const line of all.slice(-Math.min(count, maxLogLines)).reverse()) {
    const shown = redactedLine(line)
    bytes += Buffer.byteLength(JSON.stringify(shown)) + 1
    if (bytes > maxLogBytes) break
    lines.push(shown)
  }
  return { lines: lines.reverse(), leftOut: all.length - lines.length }
}

function bounded(result: unknown, smaller: unknown = {}): unknown {
  const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value) ?? '')
  if (bytesOf(result) <= maxResultBytes) return result
  return bytesOf(smaller) <= maxResultBytes ? smaller : { tooLarge: bytesOf(result) }
}
