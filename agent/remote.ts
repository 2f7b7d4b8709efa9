import { join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { run } from '../core/control.ts'
import type { Logger } from '../core/log.ts'
import type { Random } from '../core/random.ts'
import type { Events } from './alarms/events.ts'
import { type Abilities, agentOf, type Commands, type CommandsDeps, openCommands } from './commands/index.ts'
import type { Configuration } from './configuration/index.ts'
import type { Identity } from './identity.ts'

/** What others than the agent do for a command of the hub, and who notes what was done. */
export type RemoteDeps = Pick<Abilities, 'restart' | 'recentLog' | 'doctor' | 'settings'> &
  Pick<CommandsDeps, 'audit'>

export interface RemoteParts {
  remote: RemoteDeps | undefined
  identity: Pick<Identity, 'current' | 'operations'>
  configuration: Pick<Configuration, 'fetchNow' | 'status' | 'inForce'>
  events: Pick<Events, 'note'>
  clock: Clock
  random: Random
  log: Logger
}

/** Commands of the hub, with all that the box can do for one. */
export function openRemote(
  { remote: { audit, ...others } = {}, identity, configuration, events, ...deps }: RemoteParts,
  { stateDir, remoteCommands: allowed = [] }: { stateDir: string; remoteCommands?: readonly string[] },
): Promise<Commands> {
  const abilities: Abilities = {
    ...others,
    fetchConfiguration: configuration.fetchNow,
    configuration: () => ({ status: configuration.status(), dataSources: configuration.inForce() }),
    rotate: () => run(identity.operations, 'identity.rotate', {}),
  }
  const agent = () => {
    const membership = identity.current()
    return membership && agentOf(membership)
  }
  return openCommands(
    { ...deps, abilities, agent, audit, note: events.note },
    { dir: join(stateDir, 'commands'), allowed },
  )
}
