import { constants } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Probe } from './proof-of-life.ts'

export interface DiskProbeConfig {
  /** The directory whose disk is meant; the probe's own file in it is `alive`. */
  dir: string
  /** Files in it that are written and synced in the course of the work. */
  commits: readonly string[]
}

/** A byte now and then does not wear a card; 288 of them a day at most. */
const everyMs = 300_000

/**
 * Whether the disk takes what is written. Where a commit has changed one of the files since the last look,
 * nothing is written: that was proof enough. Otherwise one byte is written where it always is, and synced.
 */
export function diskProbe({ dir, commits }: DiskProbeConfig): Probe {
  let seen = ''
  return {
    name: 'the disk',
    everyMs,
    async ask() {
      const former = seen
      seen = (await Promise.all(commits.map((file) => version(join(dir, file))))).join()
      if (former === '' || former === seen) await writeByte(join(dir, 'alive'))
    },
  }
}

/** Compared only for being another one: the clock of the box may step. */
const version = async (path: string): Promise<string> =>
  stat(path).then(
    ({ mtimeMs, size }) => `${mtimeMs}/${size}`,
    () => 'none',
  )

async function writeByte(path: string): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT, 0o600)
  try {
    await file.write('\n', 0)
    await file.datasync()
  } finally {
    await file.close()
  }
}
