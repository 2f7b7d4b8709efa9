import { Conflict, NotFound } from '../../core/errors.ts'
import { type BoxState, isFinal } from '../../protocol/command-states.ts'
import type { CommandResponse } from '../../protocol/commands.ts'
import { LimitReached } from '../errors.ts'
import type { Tables } from '../registry/tables.ts'
import type { Command, NewCommand } from './command-table.ts'
import { CommandsDoNotReach } from './errors.ts'

export interface ToldState {
  state: BoxState
  response: CommandResponse
}

/** Of an agent. */
const maxOpen = 16
const maxKept = 200
/** What a box has to tell at the deadline may take so long to come. */
const graceMs = 60_000

const order = ['waiting', 'sent', 'received', 'executing']

/** Commands in the registry; a command has one end. */
export function commands({ agents, commands }: Tables) {
  const known = (id: string, now: number): Command => {
    commands.expire(now, graceMs)
    return commands.find(id) ?? missing(id)
  }
  return {
    /** Throws `CommandsDoNotReach`, `LimitReached`. */
    addCommand(command: NewCommand): Command {
      const { agentId, createdAt } = command
      const agent = agents.find(agentId)
      if (!agent) throw new NotFound(`no agent ${agentId}`)
      if (agent.boardingStatus !== 'ONBOARDED') throw new CommandsDoNotReach('the agent is not onboarded')
      if (!commands.isReached(agentId))
        throw new CommandsDoNotReach(
          'the agent has never connected by MQTT: commands do not reach agents that upload over HTTP',
        )
      commands.expire(createdAt, graceMs)
      if (commands.open(agentId).length >= maxOpen)
        throw new LimitReached('commands of an agent that have not ended', maxOpen)
      commands.add(command)
      commands.trim(agentId, maxKept)
      return known(command.id, createdAt)
    },
    command: known,
    commandsOf(agentId: string, limit: number, now: number): Command[] {
      commands.expire(now, graceMs)
      return commands.of(agentId, limit)
    },
    /** What the agent is to be sent now, the oldest first. It takes messages by MQTT. */
    commandsToSend(agentId: string, now: number): Command[] {
      commands.expire(now, graceMs)
      if (agents.find(agentId)) commands.noteReach(agentId, now)
      return commands.open(agentId).filter(({ expiresAt }) => expiresAt > now)
    },
    /** Before it goes out: what is `waiting` certainly has not. */
    sendingCommand: (id: string, now: number): void => commands.sent(id, now),
    /** Undefined for a command that this agent was never sent. What has ended stays as it is. */
    commandTold(agentId: string, id: string, told: ToldState, now: number): Command | undefined {
      commands.expire(now, graceMs)
      const command = commands.find(id)
      if (command?.agentId !== agentId) return undefined
      const { state, response } = told
      if (isFinal(command.state)) {
        if (isFinal(state) && command.response?.state === undefined)
          commands.put({ ...command, response: { ...command.response, ...lateOf(told) } })
      } else if (isFinal(state))
        commands.put({ ...command, state, response: { ...response, state }, changedAt: now, finishedAt: now })
      else if (order.indexOf(state) > order.indexOf(command.state))
        commands.put({ ...command, state, changedAt: now })
      return commands.find(id)
    },
    /** Throws `Conflict` once it may have left. */
    cancelCommand(id: string, now: number): Command {
      const command = known(id, now)
      if (isFinal(command.state)) throw new Conflict(`the command has ended: ${command.state}`)
      if (command.state !== 'waiting')
        throw new Conflict('the command was sent to its box, which ends it by its deadline')
      commands.put({ ...command, state: 'cancelled', changedAt: now, finishedAt: now })
      return known(id, now)
    },
  }
}

/** It ended here without a word of the box; the word came after all. */
const lateOf = ({ state, response }: ToldState) => ({
  late: state,
  ...(response.result === undefined ? {} : { result: response.result }),
})

function missing(id: string): never {
  throw new NotFound(`no command ${id}`)
}
