import type { Clock } from '../../core/clock.ts'
import { type LocalFiles, readLocalFiles, signatureOf } from './local-files.ts'

/** Tells of the files of a folder at start and when they have changed. */
export interface LocalWatch {
  /** Looks now, and tells even if nothing has changed. */
  again(): void
  run(signal: AbortSignal): Promise<void>
}

const lookMs = 1_000

export function watchLocal(
  { clock, onFiles }: { clock: Clock; onFiles(files: LocalFiles): void },
  { dir }: { dir: string },
): LocalWatch {
  /** Ends the sleep between two looks. */
  let asked = new AbortController()

  return {
    again: () => asked.abort(),
    async run(signal) {
      let told: string | undefined
      let before: string | undefined
      for (let isFirst = true; !signal.aborted; isFirst = false) {
        const isAsked = asked.signal.aborted
        if (isAsked) asked = new AbortController()
        const now = await signatureOf(dir)
        // A file that is just being written is let be finished.
        const isChanged = now !== told && now === before
        before = now
        if (isFirst || isAsked || isChanged) {
          told = now
          onFiles(await readLocalFiles(dir))
        }
        await clock.sleep(lookMs, AbortSignal.any([signal, asked.signal])).catch(() => {}) // the loop looks why
      }
    },
  }
}
