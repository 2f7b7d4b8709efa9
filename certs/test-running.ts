import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { systemClock } from '../core/clock.ts'
import { systemRandom } from '../core/random.ts'
import { manualClock } from '../test/manual-clock.ts'
import { type Certs, type CertsConfig, type CertsDeps, openCerts } from './index.ts'

/** For tests: the certificates of a box that runs, in a time that passes only when told. */
export interface RunningCerts {
  certs: Certs
  dir: string
  network: { hostName: string; addresses: string[] }
  changes: number
  faults: (string | undefined)[]
  /** Sets the clock by so much, as nobody should. */
  step(ms: number): void
  /** Lets so much time pass, and waits until the certificates have been looked at after it. */
  pass(ms: number): Promise<void>
  /** The same, with a single look at the end of it. */
  leap(ms: number): Promise<void>
}

export const lookMs = 30_000

/** The state directory of a box that has its certificates; making keys takes long. */
export async function makeBox(now: number): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'edgeward-certs-'))
  await openCerts(
    {
      ...{ clock: manualClock(now), random: systemRandom, log: pino({ level: 'silent' }) },
      network: () => ({ hostName: 'press-1', addresses: ['127.0.0.1', '10.0.0.7'] }),
    },
    { dir, names: [], deviceName: 'press' },
  )
  return dir
}

export interface Wanted {
  /** A state directory to begin with; it is copied. */
  from?: string
  config?: Partial<CertsConfig>
  deps?: Partial<CertsDeps>
  now?: number
}

export async function startCerts({
  from,
  config,
  deps,
  now = systemClock.now(),
}: Wanted): Promise<RunningCerts> {
  const dir = await mkdtemp(join(tmpdir(), 'edgeward-certs-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  if (from) await cp(from, dir, { recursive: true })
  const inner = manualClock(now)
  let shift = 0
  let looks = 0
  const clock = {
    ...inner,
    now: () => inner.now() + shift,
    sleep(ms: number, signal?: AbortSignal) {
      looks++
      return inner.sleep(ms, signal)
    },
  }
  const network = { hostName: 'press-1', addresses: ['127.0.0.1', '10.0.0.7'] }
  const certs = await openCerts(
    { clock, random: systemRandom, log: pino({ level: 'silent' }), network: () => network, ...deps },
    { dir, names: [], deviceName: 'press', ...config },
  )
  const stop = new AbortController()
  const looked = async (count: number) => {
    while (looks < count) await new Promise((resolve) => setImmediate(resolve))
  }
  const running: RunningCerts = {
    ...{ certs, dir, network, changes: 0, faults: [] },
    step: (ms) => {
      shift += ms
    },
    async pass(ms) {
      for (let left = ms; left > 0; left -= lookMs) {
        const before = looks
        await inner.advance(Math.min(left, lookMs))
        if (left >= lookMs) await looked(before + 1)
      }
    },
    async leap(ms) {
      const before = looks
      await inner.advance(ms)
      await looked(before + 1)
    },
  }
  certs.onChange(() => {
    running.changes++
  })
  certs.onFault((fault) => running.faults.push(fault))
  const ended = certs.run(stop.signal)
  onTestFinished(async () => {
    stop.abort()
    await ended
  })
  await looked(1)
  return running
}
