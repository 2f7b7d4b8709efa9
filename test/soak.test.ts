import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startApp } from '../bench/app.ts'
import { systemClock } from '../core/clock.ts'
import {
  agentStatus,
  createAgent,
  eventually,
  type Gateway,
  joinPlant,
  sameAddresses,
  startGateway,
  startHub,
  tempDir,
} from './harness.ts'

/**
 * 2 000 readings/s into a real daemon whose hub is away half the time: how its memory goes. The short form
 * proves that it runs; SOAK_MINUTES=10 is long enough for the slope to mean something.
 */
const soakMs = Number(process.env.SOAK_MINUTES ?? 1 / 5) * 60_000
const messagesPerSecond = 1000 // of two points each
const hubTurnMs = Math.min(30_000, soakMs / 4)
const sampleEveryMs = 500
const quiet = { EDGEWARD_LOG_LEVEL: 'warn' }

test(
  'a daemon under load whose hub comes and goes keeps serving, and its memory is told',
  async () => {
    await using dir = await tempDir()
    const hubDir = join(dir.path, 'hub')
    let hub = await startHub(hubDir, quiet)
    // On a large machine V8 lets garbage lie; a small box has no room for that, and what stays shows.
    const small = { ...quiet, NODE_OPTIONS: '--max-old-space-size=192' }
    await using gateway = await startGateway(join(dir.path, 'box'), small)
    await using cleanUp = new AsyncDisposableStack()
    cleanUp.defer(() => hub.stop())
    await hub.operate('init')
    const agent = await createAgent(hub, 'box', 'SHARED_SECRET')
    const { id, secret } = await joinPlant(gateway, hub, agent)
    const app = await startApp({
      ...{ broker: gateway.addresses.mqtt, topic: 'apps/press/m', username: id, password: secret },
      ...{ perSecond: messagesPerSecond, payload: (n) => JSON.stringify({ n, x: n / 2 }) },
    })
    cleanUp.defer(() => app.stop())

    const memory: Sample[] = []
    const start = systemClock.monotonic()
    const passed = () => systemClock.monotonic() - start
    let isUp = true
    const bringUp = async () => {
      if (!isUp) hub = await startHub(hubDir, { ...quiet, ...sameAddresses(hub) })
      isUp = true
    }
    for (let turn = 0; passed() < soakMs; turn++) {
      if (turn % 2 === 1) await bringUp()
      else {
        await hub.stop('SIGKILL')
        isUp = false
      }
      const until = Math.min(soakMs, (turn + 1) * hubTurnMs)
      while (passed() < until) {
        memory.push({ ms: passed(), bytes: await residentBytes(gateway) })
        await systemClock.sleep(sampleEveryMs)
      }
    }
    await bringUp()
    await app.stop()
    await eventually(
      'the box has delivered all',
      async () => (await agentStatus(gateway)).outbox.readings === 0,
    )

    expect(app.acknowledged.size).toBeGreaterThan(0)
    const settled = memory.filter(({ ms }) => ms > soakMs / 4) // what starts up grows
    expect(settled.length).toBeGreaterThan(2)
    const megabyte = (bytes: number) => (bytes / 1024 / 1024).toFixed(1)
    process.stderr.write(
      `${(soakMs / 60_000).toFixed(1)} minutes, ${app.acknowledged.size * 2} readings: RSS ${megabyte(settled[0]?.bytes ?? 0)} MB → ${megabyte(settled.at(-1)?.bytes ?? 0)} MB, slope ${megabyte(slopePerHour(settled))} MB/h\n`,
    )
  },
  soakMs * 2 + 180_000,
)

interface Sample {
  ms: number
  bytes: number
}

async function residentBytes(gateway: Gateway): Promise<number> {
  const { pid } = await gateway.operate<{ pid: number }>('gateway.describe')
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024
}

/** Of the straight line through the samples that is nearest to them. */
function slopePerHour(samples: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number) =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length
  const [meanMs, meanBytes] = [mean(({ ms }) => ms), mean(({ bytes }) => bytes)]
  const covariance = mean(({ ms, bytes }) => (ms - meanMs) * (bytes - meanBytes))
  return (covariance / mean(({ ms }) => (ms - meanMs) ** 2)) * 3_600_000
}
