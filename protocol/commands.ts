import Type, { type Static } from 'typebox'
import { Invalid } from '../core/errors.ts'
import { parser } from '../core/schema.ts'
import { type BoxState, boxStates } from './command-states.ts'

/**
 * What a hub can ask a box to do, over the topics of Insights Hub's commands. That format leaves `payload`
 * and `response` free: what stands in them is ours.
 */
export const commandKinds = ['restart', 'log', 'doctor', 'configuration', 'rotate'] as const
export type CommandKind = (typeof commandKinds)[number]

const strict = { additionalProperties: false }
const none = Type.Object({}, strict)

/** Of an excerpt of the log. */
export const maxLogLines = 2_000
const LogParams = Type.Object(
  { lines: Type.Optional(Type.Integer({ minimum: 1, maximum: maxLogLines })) },
  strict,
)
const ConfigurationParams = Type.Object(
  {
    /** False: only shows what is in force, and fetches nothing. */
    fetch: Type.Optional(Type.Boolean()),
  },
  strict,
)

const paramsOf = {
  restart: parser(none),
  log: parser(LogParams),
  doctor: parser(none),
  configuration: parser(ConfigurationParams),
  rotate: parser(none),
} satisfies Record<CommandKind, unknown>

export interface CommandParams {
  restart: object
  log: Static<typeof LogParams>
  doctor: object
  configuration: Static<typeof ConfigurationParams>
  rotate: object
}

export const isCommandKind = (kind: string): kind is CommandKind =>
  (commandKinds as readonly string[]).includes(kind)

/** Throws `Invalid` for a kind that there is not, and for parameters that the kind does not take. */
export function parseCommandParams<K extends string>(
  kind: K,
  params: unknown,
): K extends CommandKind ? CommandParams[K] : never {
  if (!isCommandKind(kind))
    throw new Invalid(`there is no command ${JSON.stringify(kind)}`, {
      cure: `There are ${commandKinds.join(', ')}.`,
    })
  return paramsOf[kind](params ?? {}, `parameters of ${kind}`) as never
}

/** Longest ids and names that travel. */
const Id = Type.String({ minLength: 1, maxLength: 128 })

/** Hub → agent. */
export const CommandMessage = Type.Object({
  id: Id,
  data: Type.Object({
    jobId: Id,
    createdAt: Type.Unknown(),
    payload: Type.Record(Type.String(), Type.Unknown()),
  }),
})
export type CommandMessage = Static<typeof CommandMessage>
export const parseCommandMessage = parser(CommandMessage)

/** What our hub puts into it. */
export const CommandPayload = Type.Object({
  kind: Type.String({ maxLength: 64 }),
  params: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  /** From the moment of sending on: a box may not know the time. */
  expiresInMs: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Who wants it, for the audit of the box. */
  askedBy: Type.Optional(Type.String({ maxLength: 128 })),
})
export type CommandPayload = Static<typeof CommandPayload>
export const parseCommandPayload = parser(CommandPayload)

const CommandResponse = Type.Object({
  state: Type.Optional(Type.Enum([...boxStates])),
  /** Why it failed or was rejected: a code, which is API, and words. */
  code: Type.Optional(Type.String({ maxLength: 64 })),
  reason: Type.Optional(Type.String({ maxLength: 2_000 })),
  result: Type.Optional(Type.Unknown()),
})
export type CommandResponse = Static<typeof CommandResponse>

/** Agent → hub. */
export const CommandUpdate = Type.Object({
  id: Id,
  /** The id of the message that brought the command. */
  requestId: Id,
  data: Type.Object({
    timestamp: Type.String({ maxLength: 64 }),
    jobId: Id,
    status: Type.Enum(['EXECUTING', 'EXECUTED', 'FAILED']),
    response: CommandResponse,
  }),
})
export type CommandUpdate = Static<typeof CommandUpdate>
export const parseCommandUpdate = parser(CommandUpdate)

/** As Insights Hub says it. */
export const statusOfState: Record<BoxState, CommandUpdate['data']['status']> = {
  received: 'EXECUTING',
  executing: 'EXECUTING',
  executed: 'EXECUTED',
  failed: 'FAILED',
  rejected: 'FAILED',
  expired: 'FAILED',
}

const stateOfStatus: Record<CommandUpdate['data']['status'], BoxState> = {
  EXECUTING: 'executing',
  EXECUTED: 'executed',
  FAILED: 'failed',
}

/** Agents that are not ours tell the status alone. */
export const stateOfUpdate = ({ data: { status, response } }: CommandUpdate): BoxState =>
  response.state ?? stateOfStatus[status]

/** JSON of a result, in bytes. */
export const maxResultBytes = 96 * 1024
