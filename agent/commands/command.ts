import Type, { type Static } from 'typebox'
import { boxStates, isFinal } from '../../protocol/command-states.ts'
import { type CommandResponse, type CommandUpdate, statusOfState } from '../../protocol/commands.ts'

/** What the hub has asked, and what became of it. */
export const Command = Type.Object({
  /** In the order of arrival. */
  number: Type.Integer({ minimum: 1 }),
  /** Names the command: delivered again, it is this one. */
  jobId: Type.String(),
  /** Of the message that brought it. */
  messageId: Type.String(),
  /** The agent that it was meant for: a box may become another. */
  agent: Type.String(),
  kind: Type.String(),
  params: Type.Record(Type.String(), Type.Unknown()),
  askedBy: Type.String(),
  receivedAt: Type.Integer(),
  /** From then on. */
  withinMs: Type.Integer(),
  state: Type.Enum([...boxStates]),
  changedAt: Type.Integer(),
  code: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
  result: Type.Optional(Type.Unknown()),
  /** The hub has its end. */
  confirmed: Type.Optional(Type.Boolean()),
})
export type Command = Static<typeof Command>

/** Why a command came to nothing; codes are API. */
export interface Refusal {
  code: string
  reason: string
}

export type Event = { at: number } & (
  | { is: 'started' }
  | { is: 'done'; result: unknown }
  | ({ is: 'failed' } & Refusal)
  | ({ is: 'rejected' } & Refusal)
  | { is: 'expired' }
  /** The process begins: whatever was being executed was cut. */
  | { is: 'begun' }
)

/** Pure. An event that does not fit the state changes nothing: there is one end. */
export function step(command: Command, event: Event): Command {
  const { state, kind } = command
  const changedAt = event.at
  if (state === 'received') {
    if (event.is === 'started') return { ...command, changedAt, state: 'executing' }
    if (event.is === 'expired') return { ...command, changedAt, state: 'expired', ...tooLate }
    if (event.is === 'rejected') return { ...command, changedAt, state: 'rejected', ...why(event) }
  }
  if (state === 'executing') {
    if (event.is === 'done') return { ...command, changedAt, state: 'executed', ...resultOf(event) }
    if (event.is === 'failed') return { ...command, changedAt, state: 'failed', ...why(event) }
    if (event.is === 'begun')
      return kind === 'restart'
        ? { ...command, changedAt, state: 'executed' } // this start is what was asked for
        : { ...command, changedAt, state: 'failed', ...interrupted }
  }
  return command
}

export const hasEnded = ({ state }: Pick<Command, 'state'>): boolean => isFinal(state)

const tooLate: Refusal = { code: 'expired', reason: 'its deadline came before its turn' }
const interrupted: Refusal = {
  code: 'interrupted',
  reason: 'edgeward ended while it was executed; how far it came is not known',
}
const why = ({ code, reason }: Refusal): Refusal => ({ code, reason })
const resultOf = ({ result }: { result: unknown }) => (result === undefined ? {} : { result })

/** What the hub is told of it. */
export function updateOf(
  command: Command,
  { id, without = [] }: { id: string; without?: string[] },
): CommandUpdate {
  const { messageId, jobId, state, changedAt, code, reason, result } = command
  const response: CommandResponse = {
    state,
    ...(code === undefined ? {} : { code }),
    ...(reason === undefined ? {} : { reason: reason.slice(0, maxReason) }),
    ...(result === undefined || without.includes('result') ? {} : { result }),
    ...(without.includes('result') ? { reason: 'the answer is larger than the far side takes' } : {}),
  }
  const timestamp = new Date(changedAt).toISOString()
  return { id, requestId: messageId, data: { timestamp, jobId, status: statusOfState[state], response } }
}

const maxReason = 1_000
