import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { createAlarms, type Outbox, type OutboxConfig, openOutbox } from '../agent/test-outbox.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { systemRandom } from '../core/random.ts'
import type { Reading } from '../protocol/reading.ts'
import { runProgram, tempDir } from '../test/harness.ts'
import { type LoopDisk, loopDisk } from '../test/loop-disk.ts'
import { manualClock } from '../test/manual-clock.ts'
import { seeded } from '../test/seeded.ts'
import { untilKept } from '../test/until-kept.ts'
import type { Bench, Effort, Measured } from './bench.ts'
import { interleaved, pause, rounded, timed } from './measure.ts'
import { mixedPlant, pointsInMix } from './mix.ts'

/**
 * The real outbox on an ext4 of its own (loop device, noatime): how many samples a second it keeps,
 * against a preallocated file that is written and synced with the same bytes in as many commits; and
 * what reaches the device for each sample at 50 points/s in windows of 250 ms. There time is simulated:
 * windows follow each other at once, settlements and notes of being alive as often as their clock says.
 */
export const outbox: Bench = {
  name: 'outbox',
  about: 'durable samples/s; bytes at the block device per sample, offline and online',
  measure: async ({ quick, say }: Effort): Promise<Measured> => {
    const rounds = quick ? 1 : 3
    const samples = quick ? 100_000 : 1_000_000
    let limitAsks = { commits: 1, bytes: 1 }
    const rate = await interleaved(rounds, {
      async ours() {
        const kept = await keepAll(samples)
        limitAsks = kept
        return kept.samplesPerSecond
      },
      limit: async () => samples / (await writeAndSync(limitAsks)),
    })
    say(`${JSON.stringify(rate)}, ${JSON.stringify(limitAsks)}`)
    const minutes = quick ? 10 : 60
    const always = await simulated('always', minutes, false)
    say(`offline, always: ${JSON.stringify(always)}`)
    const spill = await simulated('spill', minutes, false)
    say(`offline, spill: ${JSON.stringify(spill)}`)
    const online = await simulated('spill', minutes, true)
    say(`online, spill: ${JSON.stringify(online)}`)
    const trueTime = await inTrueTime(quick ? 10 : 60)
    say(`offline, true time: ${JSON.stringify(trueTime)}`)
    return {
      unit: 'samples/s; bytes at the block device per sample, 50 points/s, windows of 250 ms',
      runs: rounds,
      ours: {
        durableSamplesPerSecond: rounded(rate.ours),
        samplesPerCommit: rounded(samples / limitAsks.commits),
        'offline, always': always.bytesPerSample,
        'offline, spill': spill.bytesPerSample,
        'offline, spill, true time': trueTime.bytesPerSample,
        'online, spill': online.bytesPerSample,
        'offline, always, flushes per window': always.flushesPerWindow,
      },
      peer: { 'preallocated file, samples/s': rounded(rate.limit) },
      ratio: { oursOverLimit: rounded(rate.ours / rate.limit) },
      must: [
        { figure: 'ours.durableSamplesPerSecond', is: rounded(rate.ours), atLeast: 20_000 },
        { figure: 'ours.offline, always', is: always.bytesPerSample, atMost: 700 },
        { figure: 'ours.offline, spill', is: spill.bytesPerSample, atMost: 700 },
        { figure: 'ours.offline, spill, true time', is: trueTime.bytesPerSample, atMost: 700 },
        { figure: 'ours.online, spill', is: online.bytesPerSample, atMost: nearlyNothing },
      ],
    }
  },
}

/** A hundredth of what is allowed offline: notes of being alive, and what ext4 does by itself. */
const nearlyNothing = 7
const megabyte = 1024 * 1024
const windowMs = 250
const windowsInScan = 4

async function withDisk<T>(use: (disk: LoopDisk) => Promise<T>): Promise<T> {
  await using dir = await tempDir()
  const at = join(dir.path, 'disk')
  await mkdir(at)
  await using disk = await loopDisk(at, 512)
  return await use(disk)
}

function openOn(disk: LoopDisk, clock: Clock, mode: OutboxConfig['mode']): Promise<Outbox> {
  const log = pino({ level: 'silent' })
  return openOutbox(
    { clock, random: systemRandom, log, alarms: createAlarms({ clock, log }) },
    {
      ...{ path: join(disk.path, 'outbox.db'), boot: 'bench', mode, whenFull: 'drop_oldest' },
      ...{ commitIntervalMs: windowMs, commitBytes: 65_536 },
      ...{ maxBytes: 256 * megabyte, ballastBytes: 4 * megabyte },
    },
  )
}

/** Readings that wait for their commit at once: enough that a window fills while the one before is written. */
const underWay = 20_000

async function keepAll(samples: number) {
  return withDisk(async (disk) => {
    await using kept = await openOn(disk, systemClock, 'always')
    const scan = mixedPlant(seeded(1))
    const scans = Array.from({ length: samples / pointsInMix }, (_, k) => scan(1_700_000_000_000 + k * 1000))
    const before = await disk.written()
    const waiting: Promise<void>[] = []
    const seconds = await timed(async () => {
      for (const readings of scans) {
        waiting.push(kept.append({ source: 'line', readings }))
        if (waiting.length >= underWay / pointsInMix) await waiting.shift()
      }
      await Promise.all(waiting)
    })
    const { bytes } = await disk.written()
    const { batches } = await kept.stats()
    return { samplesPerSecond: samples / seconds, commits: batches, bytes: bytes - before.bytes }
  })
}

/** The same bytes in as many commits, into a file that need not grow: the least a commit can cost here. */
async function writeAndSync({ commits, bytes }: { commits: number; bytes: number }): Promise<number> {
  return withDisk(async (disk) => {
    const file = await open(join(disk.path, 'preallocated'), 'w')
    try {
      const part = Buffer.alloc(Math.ceil(bytes / commits), 1)
      const slots = 16
      await file.write(Buffer.alloc(part.length * slots))
      await file.sync()
      return await timed(async () => {
        for (let n = 0; n < commits; n++) {
          await file.write(part, 0, part.length, (n % slots) * part.length)
          await file.datasync()
        }
      })
    } finally {
      await file.close()
    }
  })
}

interface Wear {
  bytesPerSample: number
  flushesPerWindow: number
}

/** The readings of each window at 50 points/s, without end. */
function* windows(): Generator<Reading[]> {
  const scan = mixedPlant(seeded(2))
  for (let second = 0; ; second++) {
    const readings = scan(1_700_000_000_000 + second * 1000)
    for (let part = 0; part < windowsInScan; part++)
      yield readings.filter((_, k) => k % windowsInScan === part)
  }
}

const warmUpMinutes = 2

async function simulated(mode: OutboxConfig['mode'], minutes: number, online: boolean): Promise<Wear> {
  return withDisk(async (disk) => {
    const clock = manualClock()
    await using kept = await openOn(disk, clock, mode)
    if (online) acknowledgeAtOnce(kept)
    const stream = windows()
    const oneMinute = async () => {
      for (let n = 0; n < (60 * 1000) / windowMs; n++) {
        const { value: readings } = stream.next()
        const appended = kept.append({ source: 'line', readings })
        await clock.advance(windowMs / 2)
        if (online) await Promise.race([appended, pause(500)]) // the clock stands still: in time
        await clock.advance(windowMs / 2)
        await untilKept(clock, appended)
      }
    }
    for (let n = 0; n < warmUpMinutes; n++) await oneMinute()
    return await wearOf(disk, minutes * 60, async () => {
      for (let n = 0; n < minutes; n++) await oneMinute()
    })
  })
}

async function inTrueTime(seconds: number): Promise<Wear> {
  return withDisk(async (disk) => {
    await using kept = await openOn(disk, systemClock, 'spill')
    const stream = windows()
    const forSeconds = async (span: number) => {
      for (let n = 0; n < (span * 1000) / windowMs; n++) {
        await kept.append({ source: 'line', readings: stream.next().value })
      }
    }
    await forSeconds(20) // by then the log has its length
    return await wearOf(disk, seconds, () => forSeconds(seconds))
  })
}

/** What reaches the device until all that the work left in caches is there too. */
async function wearOf(disk: LoopDisk, seconds: number, work: () => Promise<void>): Promise<Wear> {
  await runProgram('sync', ['-f', disk.path])
  const before = await disk.written()
  await work()
  await runProgram('sync', ['-f', disk.path])
  const after = await disk.written()
  return {
    bytesPerSample: rounded((after.bytes - before.bytes) / (seconds * pointsInMix)),
    flushesPerWindow: rounded((after.flushes - before.flushes) / ((seconds * 1000) / windowMs)),
  }
}

/** A far side that commits whatever it is given before the window's time is over. */
function acknowledgeAtOnce(kept: Outbox): void {
  let delivering = Promise.resolve()
  const deliver = async () => {
    for (const { epoch, seq, count } of await kept.pending({ after: 0, limit: 100, maxBytes: 100_000 }))
      await kept.acknowledge(epoch, [[seq, seq + count - 1]])
  }
  kept.onPending(() => {
    delivering = delivering.then(deliver)
  })
}
