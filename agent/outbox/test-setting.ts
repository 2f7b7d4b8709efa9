import { writeFileSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { systemRandom } from '../../core/random.ts'
import { openThread } from '../../core/thread.ts'
import { decodeBody } from '../../protocol/columns.ts'
import type { Reading } from '../../protocol/reading.ts'
import { createAlarms } from '../alarms.ts'
import { type Outbox, type OutboxConfig, type OutboxDeps, openOutbox, type Pending } from './index.ts'

const log = pino({ level: 'silent' })

export async function temporaryDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'outbox-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  return dir
}

export const alarms = () => createAlarms({ clock: systemClock, log })

export const open = (
  dir: string,
  config: Partial<OutboxConfig> = {},
  deps: Partial<OutboxDeps> = {},
): Promise<Outbox> =>
  openOutbox(
    { clock: systemClock, random: systemRandom, log, alarms: alarms(), ...deps },
    {
      path: join(dir, 'outbox.db'),
      boot: 'boot-1',
      commitIntervalMs: 1,
      commitBytes: 65_536,
      mode: 'always',
      maxBytes: 64_000_000,
      ballastBytes: 65_536,
      whenFull: 'drop_oldest',
      ...config,
    },
  )

export const readings = (count: number, from = 0): Reading[] =>
  Array.from({ length: count }, (_, k) => ({
    ...{ point: 'p', value: from + k, quality: 0 },
    time: 1000 + from + k,
  }))

/** Values that deflate badly. */
export const noise = (count: number, from = 0): Reading[] =>
  readings(count, from).map((reading) => ({ ...reading, value: Math.sin(Number(reading.value)) }))

export const append = (outbox: Outbox, given: Reading[], source = 's'): Promise<void> =>
  outbox.append({ source, readings: given })

/** All that is pending. */
export const all = (outbox: Outbox, maxBytes = 1_000_000): Promise<Pending[]> =>
  outbox.pending({ after: 0, limit: 100_000, maxBytes })

export function runsOf({ body, names }: Pick<Pending, 'body' | 'names'>) {
  const texts = new Map(names)
  return decodeBody(body, (alias) => texts.get(alias)).batches
}

export async function storedReadings(outbox: Outbox): Promise<Reading[]> {
  const messages = await all(outbox)
  return messages.flatMap(runsOf).flatMap((batch) => batch.flatMap((run) => run.readings))
}

export const storedValues = async (outbox: Outbox): Promise<unknown[]> =>
  (await storedReadings(outbox)).map(({ value }) => value)

/** What a process that starts on these files, taken from under the running one, finds. */
export async function copyOf(dir: string): Promise<string> {
  const copy = await temporaryDir()
  await cp(dir, copy, { recursive: true })
  return copy
}

export async function valuesInCopy(dir: string): Promise<unknown[]> {
  await using outbox = await open(await copyOf(dir))
  return storedValues(outbox)
}

/** A thread that a test can end at any moment, as a crash would. */
export function killable(): { kill(): Promise<void>; deps: Pick<OutboxDeps, 'openThread'> } {
  let current: Worker | undefined
  const start = ((url, data) => {
    process.once('worker', (worker) => {
      current = worker
    })
    return openThread(url, data)
  }) as typeof openThread
  return {
    async kill() {
      await current?.terminate()
    },
    deps: { openThread: start },
  }
}

/** Takes all the space that is left. */
export function fillUp(path: string): void {
  try {
    for (;;) writeFileSync(path, Buffer.alloc(4096, 1), { flag: 'a' })
  } catch {
    return
  }
}
