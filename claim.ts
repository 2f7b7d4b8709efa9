import { mkdir } from 'node:fs/promises'
import { clearSnapshots, settleSwap } from './backup/index.ts'
import type { Clock } from './core/clock.ts'
import { ensurePrivateDir } from './core/files.ts'
import type { Logger } from './core/log.ts'
import { lockState, StateInUse } from './core/sqlite.ts'
import type { Places } from './service.ts'

/** A command holds the lock for a moment only, so a starting daemon waits that long. */
const lockPatienceMs = 5_000

/** Makes this process the one owner of the state, and ends what was cut short there. Throws `StateInUse`. */
export async function claim(
  places: Places,
  { clock, log }: { clock: Clock; log: Logger },
  held: AsyncDisposableStack,
): Promise<void> {
  await ensurePrivateDir(places.stateDir)
  await mkdir(places.runtimeDir, { recursive: true, mode: 0o755 })
  await takeLock(places, clock, held)
  const replaced = await settleSwap(places.stateDir)
  if (replaced !== undefined) log.warn({ replaced }, 'restore finished that was cut short')
  await clearSnapshots(places.stateDir, clock.now())
}

async function takeLock(places: Places, clock: Clock, held: AsyncDisposableStack): Promise<void> {
  const deadline = clock.monotonic() + lockPatienceMs
  for (;;) {
    try {
      held.use(lockState(places.stateDir))
      return
    } catch (error) {
      if (!(error instanceof StateInUse) || clock.monotonic() > deadline) throw error
      await clock.sleep(100)
    }
  }
}
