import type { StateKind } from '../../backup/index.ts'
import type { Logger } from '../../core/log.ts'
import { systemRandom } from '../../core/random.ts'
import type { Role } from '../places.ts'

/** Loaded only by commands that need the modules. */
export async function stateKind(role: Role, log: Logger): Promise<StateKind> {
  if (role === 'hub') return (await import('../../hub-main.ts')).hubState
  return (await import('../../stores.ts')).gatewayState({ log, random: systemRandom })
}
