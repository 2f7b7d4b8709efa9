import { existsSync } from 'node:fs'
import {
  removeSnapshot,
  type StateKind,
  settleSwap,
  snapshotIn,
  snapshotStopped,
} from '../../backup/index.ts'
import { systemClock } from '../../core/clock.ts'
import { callControl, controlSocket } from '../../core/control.ts'
import { EdgeError, Invalid, RemoteError } from '../../core/errors.ts'
import { systemRandom } from '../../core/random.ts'
import { lockState, StateInUse } from '../../core/sqlite.ts'
import type { Places } from '../../main.ts'

/** The daemon is of a release that does not yet copy its state. */
export class SnapshotUnknown extends EdgeError {
  override readonly name = 'SnapshotUnknown'
  readonly code = 'snapshot_unknown'
  override readonly cure = 'Stop the daemon for as long as it takes, or update it first.'

  constructor() {
    super('the running daemon is of a release that makes no copies of its state')
  }
}

/** A consistent copy of the state; gone when disposed. */
export interface Snapshot extends AsyncDisposable {
  readonly dir: string
}

/** By whoever runs, or while nobody does under the lock. Throws `SnapshotUnknown`, `StateInUse`. */
export async function takeSnapshot(
  kind: StateKind,
  places: Places,
  { withOnDemand, signal }: { withOnDemand: boolean; signal?: AbortSignal },
): Promise<Snapshot> {
  const dir =
    (await asked(places, withOnDemand, signal)) ??
    (await copied(kind, places, withOnDemand)) ??
    (await asked(places, withOnDemand, signal)) // it was starting
  if (dir === undefined) throw new StateInUse(`another edgeward process owns ${places.stateDir}`)
  return { dir, [Symbol.asyncDispose]: () => removeSnapshot(dir) }
}

async function asked(
  places: Places,
  withOnDemand: boolean,
  signal?: AbortSignal,
): Promise<string | undefined> {
  try {
    const answer = await callControl(controlSocket(places), 'state.snapshot', { withOnDemand }, signal)
    const dir = (answer?.result as { dir: string } | undefined)?.dir
    // Whoever asks removes it at the end, and may be root: only the name in it is believed.
    return dir === undefined ? undefined : snapshotIn(places.stateDir, dir)
  } catch (error) {
    if (error instanceof RemoteError && error.code === 'not_found') throw new SnapshotUnknown()
    throw error
  }
}

/** Undefined when somebody owns the state. */
async function copied(
  kind: StateKind,
  { stateDir }: Places,
  withOnDemand: boolean,
): Promise<string | undefined> {
  if (!existsSync(`${stateDir}/lock.db`))
    throw new Invalid(`there is no state in ${stateDir}`, { cure: 'Name the right one with --state-dir.' })
  try {
    using _lock = lockState(stateDir)
    await settleSwap(stateDir) // half of a restore is no state
    return await snapshotStopped({ clock: systemClock, random: systemRandom }, kind, stateDir, {
      withOnDemand,
    })
  } catch (error) {
    if (error instanceof StateInUse) return undefined
    throw error
  }
}
