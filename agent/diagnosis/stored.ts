import { readFile, stat } from 'node:fs/promises'
import type { Disk } from '../../core/files.ts'
import type { Logger } from '../../core/log.ts'
import { openVault } from '../credentials/vault.ts'
import type { State } from '../onboarding/machine.ts'

export interface Stored {
  state: State
  /** A copy is missing, damaged or behind: the daemon will write it anew when it starts. */
  needsMending: boolean
}

/** The identity as it lies on disk; whatever the vault would mend stays as it is. Throws `IdentityUnreadable`. */
export async function readStored(dir: string, log: Logger): Promise<Stored> {
  const exists = await stat(dir).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  )
  if (!exists) return { state: { at: 'unboarded' }, needsMending: false }
  let needsMending = false
  const refuse = async (): Promise<never> => {
    needsMending = true
    throw new Error('a diagnosis changes nothing')
  }
  const disk: Disk = { readFile, open: refuse, rename: refuse, rm: refuse }
  const vault = await openVault({ log: log.child({}, { level: 'silent' }), disk }, { dir })
  return { state: await vault.load(), needsMending }
}
