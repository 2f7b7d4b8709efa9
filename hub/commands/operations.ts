import Type from 'typebox'
import type { Caller, Operations } from '../../core/control.ts'
import { parser } from '../../core/schema.ts'
import type { Agent } from '../registry/index.ts'
import { type Command, type Commands, longestDeadlineMs } from './index.ts'

const strict = { additionalProperties: false }

export const CommandRequest = Type.Object(
  {
    kind: Type.String({ minLength: 1, maxLength: 64 }),
    params: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    /** From now on. */
    deadlineMs: Type.Optional(Type.Integer({ minimum: 1_000, maximum: longestDeadlineMs })),
  },
  strict,
)
const parseSend = parser(
  Type.Object(
    {
      agent: Type.String(),
      askedBy: Type.Optional(Type.String({ maxLength: 64 })),
      ...CommandRequest.properties,
    },
    strict,
  ),
)
const parseAgent = parser(Type.Object({ agent: Type.String() }, strict))
const parseId = parser(Type.Object({ id: Type.String() }, strict))

export interface CommandOperationsDeps {
  commands: Commands
  /** By id or name; throws `NotFound`. */
  find(idOrName: string): Promise<Agent>
  /** Agents can be online. */
  serves(): boolean
}

export const commandOperations = ({ commands, find, serves }: CommandOperationsDeps): Operations => ({
  async 'command.send'(given, caller) {
    const { agent, askedBy = nameOf(caller), ...asked } = parseSend(given, 'command.send')
    return {
      ...shownCommand(await commands.send(await find(agent), { ...asked, askedBy })),
      serves: serves(),
    }
  },
  async 'command.list'(given) {
    const { agent } = parseAgent(given, 'command.list')
    return (await commands.list((await find(agent)).id)).map(shownCommand)
  },
  'command.show': async (given) => shownCommand(await commands.show(parseId(given, 'command.show').id)),
  'command.cancel': async (given) => shownCommand(await commands.cancel(parseId(given, 'command.cancel').id)),
})

const nameOf = ({ user }: Caller): string => user ?? 'operator of the hub'

/** As the APIs show it. */
export function shownCommand({ agentId, response, ...command }: Command) {
  const { createdAt, expiresAt, sentAt, changedAt, finishedAt, ...rest } = command
  const { code, reason, result, late } = response ?? {}
  return {
    ...{ id: rest.id, agent: agentId, kind: rest.kind, params: rest.params, state: rest.state },
    askedBy: rest.askedBy,
    ...{ createdAt: iso(createdAt), expiresAt: iso(expiresAt), changedAt: iso(changedAt) },
    ...(sentAt === null ? {} : { sentAt: iso(sentAt) }),
    ...(finishedAt === null ? {} : { finishedAt: iso(finishedAt) }),
    ...(code === undefined ? {} : { code }),
    ...(reason === undefined ? {} : { reason }),
    ...(late === undefined ? {} : { late }),
    ...(result === undefined ? {} : { result }),
  }
}

const iso = (at: number): string => new Date(at).toISOString()
