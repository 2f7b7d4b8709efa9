import { stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from './clock.ts'
import { byLabel, type Gauge, number } from './gauge.ts'

/** Where the state lies: what is free there, and what our files take. */
export interface DiskSpace {
  gauges(): Gauge[]
  /** Looks once a minute, until aborted. Who asks for the figures never waits for the disk. */
  run(signal: AbortSignal): Promise<void>
}

export interface DiskSpaceConfig {
  dir: string
  /** Databases in it. */
  stores: readonly string[]
  /** How the name of the store sizes begins. */
  prefix: string
}

const lookEveryMs = 60_000

export function createDiskSpace(
  { clock }: { clock: Clock },
  { dir, stores, prefix }: DiskSpaceConfig,
): DiskSpace {
  let free: number | undefined
  let size: number | undefined
  let used: Record<string, number> = {}
  let isLooking = false

  async function look(): Promise<void> {
    if (isLooking) return
    isLooking = true
    const space = await statfs(dir).catch(() => undefined)
    free = space && space.bavail * space.bsize
    size = space && space.blocks * space.bsize
    const sizes = stores.map(async (store) => [store, await sizeOf(join(dir, `${store}.db`))] as const)
    used = Object.fromEntries(await Promise.all(sizes))
    isLooking = false
  }

  return {
    gauges: () => [
      number('edgeward_disk_free_bytes', 'What may still be written where the state lies.', free),
      number('edgeward_disk_size_bytes', 'How large the file system of the state is.', size),
      {
        name: `${prefix}_store_bytes`,
        help: 'What a database takes on disk, with its write-ahead log.',
        samples: byLabel('store', used),
      },
    ],
    async run(signal) {
      while (!signal.aborted) {
        void look() // not awaited: the disk may hang
        await clock.sleep(lookEveryMs, signal).catch(() => {}) // aborted: the loop ends
      }
    },
  }
}

async function sizeOf(path: string): Promise<number> {
  const sizes = [path, `${path}-wal`].map((file) =>
    stat(file).then(
      (found) => found.size,
      () => 0,
    ),
  )
  return (await Promise.all(sizes)).reduce((a, b) => a + b)
}
