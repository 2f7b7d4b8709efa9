import { stat } from 'node:fs/promises'
import type { Clock } from '../../../core/clock.ts'
import { RemoteError } from '../../../core/errors.ts'
import { writeFileAtomic } from '../../../core/files.ts'
import type { Logger } from '../../../core/log.ts'
import { openThread, threadUrl } from '../../../core/thread.ts'
import type { Alarms } from '../../alarms.ts'
import type { Adopted } from '../frame.ts'
import type { Written } from '../journal/index.ts'
import { salvagedMark, unsalvaged } from '../quarantine.ts'
import type { Store } from '../store.ts'
import type { SalvagedEpoch, SalvageThread } from './thread.ts'

/** Takes back what can be read of databases that were set aside. */
export interface Salvage extends AsyncDisposable {
  /** Looks for files that are not done with: those of a former process too. */
  begin(): void
  /** Stops after the piece that is under way; what is left comes with the next start. */
  stop(): Promise<void>
}

export interface SalvageDeps {
  clock: Clock
  log: Logger
  alarms: Alarms
  store: Pick<Store, 'call'>
  onAdopted(written: Written): void
  openThread?: typeof openThread | undefined
}

const quarantinedAlarm = 'outbox_quarantined'

export function createSalvage(deps: SalvageDeps, { path }: { path: string }): Salvage {
  const { log, alarms } = deps
  let running: Promise<void> = Promise.resolve()
  let isStopped = false
  let isAnythingLost = false

  async function takeAllBack(): Promise<void> {
    for (const broken of await unsalvaged(path)) {
      if (isStopped) return
      alarms.raise(quarantinedAlarm, `the outbox broke and was set aside as ${broken}; a new one was begun`)
      const result = await takeBack(deps, broken, () => isStopped)
      if (isStopped) return
      await writeFileAtomic(salvagedMark(broken), '')
      log.warn({ broken, ...result }, 'outbox that was set aside has been salvaged')
      isAnythingLost ||= result.holes > 0
      if (isAnythingLost)
        alarms.raise(
          quarantinedAlarm,
          `the outbox broke and was set aside as ${broken}; ${result.readings} readings were taken back, others could not be read`,
        )
    }
    // What is lost for good stands as long as the process runs: the ledger keeps it for longer.
    if (!(isStopped || isAnythingLost)) alarms.clear(quarantinedAlarm)
  }

  return {
    begin() {
      running = running
        .then(takeAllBack)
        .catch((err) => log.error({ err }, 'outbox that was set aside could not be salvaged'))
    },
    async stop() {
      isStopped = true
      await running
      isStopped = false
    },
    async [Symbol.asyncDispose]() {
      isStopped = true
      await running
    },
  }
}

interface Result {
  readings: number
  /** Spots that could not be read; one at least when nothing could. */
  holes: number
}

async function takeBack(
  { clock, log, store, onAdopted, openThread: start = openThread }: SalvageDeps,
  broken: string,
  isStopped: () => boolean,
): Promise<Result> {
  const result: Result = { readings: 0, holes: 0 }
  const since = Math.round((await stat(broken)).mtimeMs)
  try {
    await using thread = await start<SalvageThread>(threadUrl('thread', import.meta.url), { path: broken })
    const epochs = await thread.call('epochs')
    const adopt = async (
      { name, boot, names }: SalvagedEpoch,
      more: Pick<Adopted, 'frames' | 'closes' | 'brokeAt'>,
    ) => {
      const written = await store.call('adopt', { epoch: name, boot, names, ...more }, clock.now())
      result.readings += written.readings
      onAdopted(written)
    }
    // The newest first, so that each gets its place below the one before.
    for (const epoch of epochs) await adopt(epoch, { frames: [], closes: false })
    for (let piece = await thread.call('next'); piece && !isStopped(); piece = await thread.call('next')) {
      const { epoch: name, frames } = piece
      await adopt(epochs.find((epoch) => epoch.name === name) as SalvagedEpoch, { frames, closes: false })
    }
    result.holes = await thread.call('holes')
    if (isStopped()) return result
    for (const epoch of epochs) {
      const isDoubtful = result.holes > 0 || epoch === epochs[0]
      await adopt(epoch, { frames: [], closes: true, ...(isDoubtful ? { brokeAt: since } : {}) })
    }
  } catch (err) {
    if (!(err instanceof RemoteError && err.code === 'internal')) throw err
    log.warn({ err, broken }, 'outbox that was set aside cannot be read')
    result.holes++
  }
  return result
}
