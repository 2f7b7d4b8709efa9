import type { Clock } from '../../core/clock.ts'
import { EdgeError } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import { parseJson } from '../../core/schema.ts'
import { isFinal } from '../../protocol/command-states.ts'
import {
  type CommandMessage,
  type CommandPayload,
  parseCommandParams,
  parseCommandUpdate,
  stateOfUpdate,
} from '../../protocol/commands.ts'
import type { Agent, Registry } from '../registry/index.ts'
import type { Command } from './command-table.ts'

export type { Command } from './command-table.ts'

/** What boxes are asked to do. A command is on disk before it is sent, and has exactly one end. */
export interface Commands {
  /** Throws `Invalid` for what no box knows, `CommandsDoNotReach`, `LimitReached`. */
  send(agent: Agent, asked: AskedCommand): Promise<Command>
  /** The newest first. */
  list(agentId: string): Promise<Command[]>
  /** Throws `NotFound`. */
  show(id: string): Promise<Command>
  /** Throws `Conflict` once it was sent. */
  cancel(id: string): Promise<Command>
  /** The agent listens from now on: it gets what has not ended. Never rejects. */
  connected(tenant: string, agentId: string): Promise<void>
  /** What an agent says of a command; resolves when it is on disk. Throws `Invalid`. */
  told(agentId: string, payload: Buffer): Promise<void>
}

export interface AskedCommand {
  kind: string
  params?: unknown
  deadlineMs?: number | undefined
  askedBy: string
}

export interface CommandsDeps {
  registry: Registry
  /** Sends to the agent, if it is connected. */
  deliver(tenant: string, agentId: string, message: CommandMessage): void
  isOnline(agentId: string): boolean
  clock: Clock
  random: Random
  log: Logger
}

export const defaultDeadlineMs = 300_000
export const longestDeadlineMs = 7 * 86_400_000
const maxListed = 200

export function createCommands({ registry, deliver, isOnline, clock, random, log }: CommandsDeps): Commands {
  async function sendNow(tenant: string, { id, agentId, ...command }: Command): Promise<void> {
    await registry.call('sendingCommand', id, clock.now())
    const { kind, params, askedBy, createdAt, expiresAt } = command
    const expiresInMs = Math.max(0, Math.floor(expiresAt - clock.now()))
    const payload: CommandPayload = { kind, params, expiresInMs, askedBy }
    const data = { jobId: id, createdAt: new Date(createdAt).toISOString(), payload: { ...payload } }
    deliver(tenant, agentId, { id, data })
    log.info({ agentId, command: id, kind, askedBy }, 'command sent')
  }

  return {
    async send(agent, { kind, params = {}, deadlineMs = defaultDeadlineMs, askedBy }) {
      const checked: object = parseCommandParams(kind, params)
      const createdAt = clock.now()
      const command = await registry.call('addCommand', {
        ...{ id: random.uuid(), agentId: agent.id, kind, params: { ...checked }, askedBy, createdAt },
        expiresAt: createdAt + deadlineMs,
      })
      log.info({ agentId: agent.id, command: command.id, kind, askedBy }, 'command taken')
      if (isOnline(agent.id)) await sendNow(agent.tenant, command)
      return registry.call('command', command.id, clock.now())
    },
    list: (agentId) => registry.call('commandsOf', agentId, maxListed, clock.now()),
    show: (id) => registry.call('command', id, clock.now()),
    async cancel(id) {
      const command = await registry.call('cancelCommand', id, clock.now())
      log.info({ agentId: command.agentId, command: id }, 'command cancelled')
      return command
    },
    async connected(tenant, agentId) {
      try {
        for (const command of await registry.call('commandsToSend', agentId, clock.now()))
          await sendNow(tenant, command)
      } catch (err) {
        // They stay where they are, and go out with the next connection.
        log[err instanceof EdgeError ? 'warn' : 'error']({ err, agentId }, 'commands not sent')
      }
    },
    async told(agentId, payload) {
      const update = parseCommandUpdate(parseJson(payload.toString(), 'command update'), 'command update')
      const { jobId, response } = update.data
      const state = stateOfUpdate(update)
      const command = await registry.call('commandTold', agentId, jobId, { state, response }, clock.now())
      if (!command) log.warn({ agentId, command: jobId }, 'agent tells of a command that it was not sent')
      else if (isFinal(state)) log.info({ agentId, command: jobId, state: command.state }, 'command ended')
    },
  }
}
