import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createAlarms, type OutboxConfig, openOutbox } from '../agent/test-outbox.ts'
import { systemClock } from '../core/clock.ts'
import { systemRandom } from '../core/random.ts'
import { allPending } from './batches.ts'
import { tempDir } from './harness.ts'
import { describeWith } from './peers.ts'
import { createDisk, writeImage } from './power-cut/crash-image.ts'
import { cutLive } from './power-cut/live-cuts.ts'
import { createPromises, type Promises } from './power-cut/promises.ts'
import { type Event, record } from './power-cut/recording.ts'
import { seeded } from './seeded.ts'

/**
 * The outbox at work is recorded once, every write and sync with its data; then its directory is built as
 * a power cut could have left it, and opened. Simulated are cuts at any moment between two calls; sectors
 * of 512 bytes and pages of 4 KiB that are lost or kept each for itself, in any order, since the last
 * sync of their file; lengths of files that are old, new or between; names that are old or new, in order
 * or each for itself. Not simulated: media that tear a sector, or that lose what they said was synced.
 *
 * POWER_CUTS=1000 makes more of them; LIVE_POWER_CUTS=20 adds cuts of a real block device (live-cuts.ts).
 */
const cuts = Number(process.env.POWER_CUTS ?? 60)
const liveCuts = Number(process.env.LIVE_POWER_CUTS ?? 0)
const appends = Number(process.env.POWER_CUT_APPENDS ?? 250)
const seed = Number(process.env.POWER_CUT_SEED ?? 20_261_121)
const workload = fileURLToPath(new URL('./power-cut/workload.fixture.ts', import.meta.url))
const log = pino({ level: 'silent' })

type Mode = OutboxConfig['mode']

describeWith(['strace'], 'the outbox after a power cut', () => {
  for (const mode of ['always', 'spill'] as const)
    test(`opens and still has all that was acknowledged (${mode})`, { timeout: 60_000 + cuts * 2000 }, () =>
      survives(mode),
    )
})

if (liveCuts > 0)
  for (const mode of ['always', 'spill'] as const)
    test(`the outbox on a device whose image is copied while it writes (${mode})`, {
      timeout: 60_000 + liveCuts * 10_000,
    }, async () => {
      await using dir = await tempDir()
      const promises = createPromises()
      await cutLive({
        ...{ scratch: dir.path, cuts: liveCuts, said: promises.take },
        command: (box) => [process.execPath, workload, box, mode, String(liveCuts * 1000)],
        examine: (box, cut) => holds(mode, box, promises, `${mode}, live cut ${cut}`),
      })
      const { kept, committed } = promises.counts()
      process.stderr.write(`${mode}: ${liveCuts} live cuts, ${kept} kept, ${committed} batches, 0 lost\n`)
    })

async function survives(mode: Mode): Promise<void> {
  await using dir = await tempDir()
  const box = join(dir.path, 'box')
  const events = await recordWorkload(mode, box, dir.path)
  const points = cutPoints(events, Math.ceil(cuts / 2), seeded(seed))
  const disk = createDisk()
  const promises = createPromises()
  let next = 0
  for (const [at, event] of events.entries()) {
    if (event.is === 'said') promises.take(event.line)
    else disk.apply(event)
    for (; points[next] === at; next++) {
      const image = disk.cut(seeded(seed + next))
      await writeImage(image, box)
      await holds(
        mode,
        box,
        promises,
        `${mode}, seed ${seed}, cut ${next} after event ${at} of ${events.length}`,
      )
      await rm(box, { recursive: true })
    }
  }
  expect(next).toBe(points.length)
  const { kept, committed } = promises.counts()
  expect(kept).toBeGreaterThan(appends)
  process.stderr.write(`${mode}: ${next} power cuts, ${kept} kept, ${committed} batches at the hub, 0 lost\n`)
}

/** What is recorded must be all that was done: replayed whole it gives the files that are there. */
async function recordWorkload(mode: Mode, box: string, scratch: string): Promise<Event[]> {
  await writeImage(new Map(), box)
  const events = await record(box, [process.execPath, workload, box, mode, String(appends)], scratch)
  const disk = createDisk()
  for (const event of events) if (event.is !== 'said') disk.apply(event)
  const there = (await readdir(box)).filter((name) => !name.endsWith('-shm')).sort()
  const replayed = disk.whole()
  expect([...replayed.keys()].sort()).toEqual(there)
  for (const name of there) {
    const same = (await readFile(join(box, name))).equals(replayed.get(name) as Buffer)
    expect(same, `${name} as it was recorded`).toBe(true)
  }
  await rm(box, { recursive: true })
  return events
}

/** Half anywhere from the first file on, half right after somebody was told something. */
function cutPoints(events: readonly Event[], count: number, draw: () => number): number[] {
  const said = [...events.entries()].filter(([, { is }]) => is === 'said').map(([at]) => at)
  return Array.from({ length: count }, (_, k) =>
    k % 2 === 0 ? Math.floor(draw() * events.length) : (said[Math.floor(draw() * said.length)] as number),
  ).sort((a, b) => a - b)
}

async function holds(mode: Mode, box: string, promises: Promises, where: string): Promise<void> {
  const deps = {
    clock: systemClock,
    random: systemRandom,
    log,
    alarms: createAlarms({ clock: systemClock, log }),
  }
  const config: OutboxConfig = {
    ...{ path: join(box, 'outbox.db'), boot: 'boot after', mode, commitIntervalMs: 10, commitBytes: 65_536 },
    ...{ maxBytes: 64 * 1024 * 1024, ballastBytes: 1024 * 1024, whenFull: 'drop_oldest' },
  }
  await using outbox = await openOutbox(deps, config)
  expect(promises.broken(await allPending(outbox)), where).toEqual({ lost: [], twice: [], renamed: [] })
  expect(promises.knows((await outbox.stats()).epoch), `a new epoch: ${where}`).toBe(false)
  expect(
    (await readdir(box)).filter((name) => name.includes('.corrupt-')),
    where,
  ).toEqual([])
}
