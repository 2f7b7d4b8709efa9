import { join } from 'node:path'
import { EdgeError } from '../core/errors.ts'
import { ensurePrivateDir, writeFileAtomic } from '../core/files.ts'
import type { Configuration } from './configuration/index.ts'
import type { Held } from './onboarding/machine.ts'
import type { Archived } from './onboarding/operations.ts'
import type { Outbox } from './outbox/index.ts'

/** Nothing is lost and nothing delivered; it is tried again. */
export class ArchiveFailed extends EdgeError {
  override readonly name = 'ArchiveFailed'
  readonly code = 'archive_failed'
  override readonly retryable = true
  override readonly cure = 'Check free space and permissions of the state directory.'
}

export interface ArchiveDeps {
  configuration: Pick<Configuration, 'setAside'>
  outbox: Pick<Outbox, 'setAside' | 'stats'>
}

/**
 * Puts the identity that the box had, what it was to measure and what it has not delivered into
 * `<dir>/<name>/`. Each step may be repeated. The configuration comes first, so that nothing is measured
 * for the former agent once its outbox is closed.
 */
export async function archive(
  { configuration, outbox }: ArchiveDeps,
  { dir, name, former }: { dir: string; name: string; former: Held },
): Promise<Archived> {
  const directory = join(dir, name)
  try {
    await ensurePrivateDir(directory)
    await writeFileAtomic(join(directory, 'identity.json'), JSON.stringify(former))
    await configuration.setAside(join(directory, 'dsc.json'))
    const { readings } = await outbox.stats()
    await outbox.setAside(join(directory, 'outbox.db'))
    return { directory, readings }
  } catch (cause) {
    throw new ArchiveFailed(`${directory} cannot be written: ${(cause as Error).message}`, { cause })
  }
}
