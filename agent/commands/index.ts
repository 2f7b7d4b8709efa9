import type { Clock } from '../../core/clock.ts'
import { EdgeError } from '../../core/errors.ts'
import type { Disk } from '../../core/files.ts'
import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import { runTasks } from '../../core/tasks.ts'
import { type CommandMessage, type CommandPayload, parseCommandPayload } from '../../protocol/commands.ts'
import type { Events } from '../alarms/events.ts'
import { openBook } from './book.ts'
import { type Command, hasEnded, type Refusal, step } from './command.ts'
import { createExecution } from './execution.ts'
import { type Abilities, kindsOf, refusalOf } from './kinds.ts'
import { createNews } from './news.ts'
import { createTelling, type Telling } from './telling.ts'

export type { Abilities } from './kinds.ts'
export type { Line } from './telling.ts'

/**
 * What the hub asks of the box: on disk before it is done, one at a time, each with a deadline and one end,
 * whatever is switched off when.
 */
export interface Commands {
  /** A message of the hub for this agent. Never rejects. */
  receive(message: CommandMessage, agent: string): Promise<void>
  /** Tells over this connection what becomes of commands. */
  readonly tell: Telling['over']
  run(signal: AbortSignal): Promise<void>
}

export interface CommandsDeps {
  abilities: Abilities
  /** The agent that the box is. */
  agent(): string | undefined
  note: Events['note']
  /** For the audit: every command that came to its end. */
  audit?: ((command: AuditedCommand) => void) | undefined
  clock: Clock
  random: Random
  log: Logger
  /** The real one unless given. */
  disk?: Disk | undefined
}

export interface CommandsConfig {
  /** Owned by this. */
  dir: string
  /** Kinds that the box does. */
  allowed: readonly string[]
}

export type AuditedCommand = Pick<Command, 'jobId' | 'kind' | 'state' | 'askedBy' | 'agent'> & {
  reason?: string
}

/** Names an agent among those of all tenants. */
export const agentOf = ({ tenant, agentId }: { tenant: string; agentId: string }): string =>
  `${tenant}/${agentId}`

/** A hub may give more; a command of yesterday is not what anybody wants today. */
const longestMs = 3_600_000
const usualMs = 300_000

export async function openCommands(deps: CommandsDeps, { dir, allowed }: CommandsConfig): Promise<Commands> {
  const { abilities, agent: current, clock } = deps
  const log = deps.log.child({ part: 'commands' })
  const book = await openBook({ log, disk: deps.disk }, { dir })
  const news = createNews()
  const telling = createTelling({ ...deps, book, news, log })
  const execution = createExecution({
    ...{ book, news, clock, log, onEnd: ended, kinds: kindsOf(abilities) },
    refusal: (command) =>
      command.agent === current()
        ? refusalOf(command, abilities, allowed)
        : { code: 'other_agent', reason: 'the box has become another agent' },
  })
  let receiving: Promise<void> = Promise.resolve()

  function ended({ jobId, kind, state, askedBy, agent, reason }: Command): void {
    const because = reason === undefined ? '' : `: ${reason}`
    deps.note(`command_${state}` as `command_${EndState}`, `${kind}, asked for by ${askedBy}${because}`)
    deps.audit?.({ jobId, kind, state, askedBy, agent, ...(reason === undefined ? {} : { reason }) })
  }

  async function take({ id, data }: CommandMessage, agent: string): Promise<void> {
    const { payload, fault } = payloadOf(data.payload)
    const { kind, params = {}, expiresInMs = usualMs, askedBy = 'the hub' } = payload
    const withinMs = Math.min(expiresInMs, longestMs)
    const known = book.find(agent, data.jobId)
    if (known) {
      if (!hasEnded(known)) execution.heard(known, withinMs)
      return telling.again(known)
    }
    if (!(await book.makeRoom()))
      return log.warn({ command: data.jobId, kind }, 'command not taken: too many wait')
    const now = Math.round(clock.now())
    const command: Command = {
      ...{ number: book.nextNumber(), jobId: data.jobId, messageId: id, agent, kind, params, askedBy },
      ...{ receivedAt: now, changedAt: now, withinMs, state: 'received' },
    }
    const refusal = refusalOf(command, abilities, allowed) ?? fault
    const kept = refusal ? step(command, { is: 'rejected', at: now, ...refusal }) : command
    await book.put(kept)
    log.info({ command: command.jobId, kind, askedBy, state: kept.state }, 'command received')
    if (refusal) ended(kept)
    else execution.heard(kept, withinMs)
    news.tell()
  }

  return {
    receive(message, agent) {
      receiving = receiving
        .then(() => take(message, agent))
        // The hub has no answer, and sends it again with the next connection.
        .catch((err) => log.warn({ err, command: message.data.jobId }, 'command not taken'))
      return receiving
    },
    tell: telling.over,
    async run(signal) {
      await execution.begin(signal)
      await runTasks(signal, execution.execute, execution.expire)
    },
  }
}

type EndState = 'executed' | 'failed' | 'rejected' | 'expired'

/** What is not in our form is refused, whatever kind it names: nobody knows what it asks for. */
function payloadOf(given: Record<string, unknown>): { payload: CommandPayload; fault?: Refusal } {
  try {
    return { payload: parseCommandPayload(given, 'command') }
  } catch (error) {
    if (!(error instanceof EdgeError)) throw error
    const kind = String(given.kind ?? '').slice(0, 64)
    return { payload: { kind }, fault: { code: 'invalid', reason: error.message } }
  }
}
