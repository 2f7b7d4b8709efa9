import type { Places } from '../../main.ts'
import { type PlaceOptions, resolvePlaces } from '../places.ts'

export interface LogPlace {
  places: Places
  /** Of systemd. */
  unit: string
  /** The state is where the unit has it, so that the journal is this process's even while none runs. */
  isUnits: boolean
}

/** Whose log is asked for. The journal is its own where the state is that of the installed unit. */
export function logPlace(options: PlaceOptions, role: 'gateway' | 'hub' = 'gateway'): LogPlace {
  const isRoot = process.getuid?.() === 0
  const places = resolvePlaces(role, options, process.env, isRoot)
  return {
    places,
    unit: role === 'hub' ? 'edgeward-hub' : 'edgeward',
    isUnits: places.stateDir === resolvePlaces(role, {}, {}, true).stateDir,
  }
}
