import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Agent, openAgent, openTime } from '../agent/index.ts'
import { percentile } from '../bench/measure.ts'
import { systemClock } from '../core/clock.ts'
import { run } from '../core/control.ts'
import { openNetwork } from '../core/net/index.ts'
import { systemRandom } from '../core/random.ts'
import { tempDir } from './harness.ts'
import { type HubInProcess, hubInProcess, silent } from './hub-in-process.ts'
import { type ManualClock, manualClock } from './manual-clock.ts'
import { tcpLink } from './tcp-link.ts'
import { untilKept } from './until-kept.ts'

/** More than half a million readings wait then, in thousands of batches. OUTAGE_MINUTES makes it shorter or longer. */
const minutes = Number(process.env.OUTAGE_MINUTES ?? 20)
const points = 50
const scanEveryMs = 100
const topic = 'apps/plant/scan'
const clockPoint = 'p0'

const configuration = {
  configurationId: 'plant',
  dataSources: [
    {
      name: 'line',
      customData: { protocol: 'mqtt' },
      dataPoints: Array.from({ length: points }, (_, k) => ({
        ...{ id: `p${k}`, name: `point ${k}`, type: 'DOUBLE', unit: '' },
        customData: { topic, pointer: `/${k}` },
      })),
    },
  ],
}

test('twenty minutes without the hub at 500 points/s: all of it arrives, live readings first', async () => {
  await using dir = await tempDir()
  const clock = manualClock(systemClock.now())
  await using hub = await hubInProcess({ clock })
  const { id, boarding } = await hub.createAgent('box', 'SHARED_SECRET')
  await hub.ask('agent.configure', { id, configuration })
  await using link = await tcpLink(boarding.content.mqtt as string)
  boarding.content.mqtt = `mqtt://${link.address}`
  await using box = await startBox(join(dir.path, 'box'), clock)
  const plant = createPlant(box, clock)

  await run(box.operations, 'identity.onboard', { boarding })
  await inRealTime(clock, 'the box is connected and configured', async () => {
    const { uplink } = (await run(box.operations, 'agent.status', {})) as Status
    return uplink.state === 'connected' && box.isBound(topic)
  })
  link.setDown(true)
  await plant.scanFor(minutes * 60_000)
  const backlog = ((await run(box.operations, 'agent.status', {})) as Status).outbox.readings
  expect(backlog).toBe(plant.scans() * points)

  link.setDown(false)
  const lag = createLag(hub, id)
  let firstAt = 0
  let began = 0
  let perSecond = 0
  await inRealTime(clock, 'the backlog is at the hub', async () => {
    await plant.scanDue()
    const stored = await received(hub, id)
    if (firstAt === 0 && stored > 0) {
      firstAt = systemClock.monotonic()
      began = clock.now()
    }
    if (firstAt > 0) await lag.look(began, clock.now())
    if (perSecond === 0 && stored > backlog) perSecond = stored / ((systemClock.monotonic() - firstAt) / 1000)
    return perSecond > 0 && clock.now() > began + 3000
  })
  const readings = plant.scans() * points
  await inRealTime(clock, 'all is at the hub', async () => (await received(hub, id)) === readings)
  expect(await missing(hub, id)).toBe(0)
  const [p50, worst] = [percentile(lag.seen, 50), percentile(lag.seen, 100)]
  process.stderr.write(
    `${minutes} minutes without a hub: backlog of ${backlog}, drained at ${Math.round(perSecond)}/s, live lag p50 ${Math.round(p50)} ms, at most ${Math.round(worst)} ms\n`,
  )
}, 400_000)

interface Status {
  uplink: { state: string }
  outbox: { readings: number }
}

async function startBox(stateDir: string, clock: ManualClock) {
  const retry = { initialMs: 50, maxMs: 500 }
  const deps = { clock, random: systemRandom, log: silent }
  const time = await openTime(
    { ...deps, synchronised: async () => false },
    { path: `${stateDir}-time.json`, releasedAt: 0 },
  )
  const agent = await openAgent(
    { ...deps, network: openNetwork(), time },
    {
      ...{
        stateDir,
        retry,
        sources: { minIntervalMs: 100, localDir: join(stateDir, 'none'), confirmTimeoutMs: 0 },
      },
      uplink: {
        ...{ format: 'columnar', trustPuback: false, window: 32, ackTimeoutMs: 30_000 },
        ...{ minIntervalMs: 1000, maxIntervalMs: 10_000, maxBytes: 100_000, retry },
      },
      outbox: {
        ...{ commitIntervalMs: 250, commitBytes: 65_536, mode: 'spill', whenFull: 'drop_oldest' },
        ...{ maxBytes: 1_073_741_824, ballastBytes: 1_048_576 },
      },
    },
  )
  const stop = new AbortController()
  const running = agent.run(stop.signal)
  return {
    ...agent,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
      await agent[Symbol.asyncDispose]()
    },
  }
}

/** One message holds a value of each point; that of the first is when it was measured. */
function createPlant(box: Pick<Agent, 'offer'>, clock: ManualClock) {
  let scans = 0
  let nextAt: number | undefined
  const kept: Promise<void>[] = []
  const scan = () => {
    const values = Array.from({ length: points }, (_, k) => (k === 0 ? clock.now() : k + (scans % 100) / 10))
    kept.push(box.offer(topic, Buffer.from(JSON.stringify(values))) as Promise<void>)
    scans++
  }
  /** Scans of five seconds may wait for their commit: more is to be held back, as a broker does. */
  const settle = async () => {
    while (kept.length > 50) await untilKept(clock, kept.shift() as Promise<void>)
  }
  return {
    scans: () => scans,
    async scanFor(ms: number): Promise<void> {
      for (let passed = 0; passed < ms; passed += scanEveryMs) {
        scan()
        await clock.advance(scanEveryMs)
        await settle()
      }
      await clock.advance(1000)
      await untilKept(clock, Promise.all(kept.splice(0)))
    },
    /** Those whose time has come since the call before. */
    async scanDue(): Promise<void> {
      nextAt ??= clock.monotonic()
      for (; nextAt <= clock.monotonic(); nextAt += scanEveryMs) scan()
    },
  }
}

/** Lets simulated time pass as real time does, until it holds. */
async function inRealTime(clock: ManualClock, what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = systemClock.monotonic() + 180_000
  for (let before = systemClock.monotonic(); !(await holds()); ) {
    if (systemClock.monotonic() > deadline) throw new Error(`waited in vain: ${what}`)
    await systemClock.sleep(20)
    const passed = Math.floor(systemClock.monotonic() - before) // wall time is whole milliseconds
    await clock.advance(passed)
    before += passed
  }
}

/** How old live readings are when they are found at the hub. */
function createLag(hub: HubInProcess, agent: string) {
  const seen: number[] = []
  let upTo = 0
  return {
    seen,
    async look(since: number, now: number): Promise<void> {
      upTo = Math.max(upTo, since)
      const { readings } = await hub.ask<{ readings: { value: number }[] }>('data.query', {
        ...{ agent, point: clockPoint, since: new Date(upTo).toISOString(), limit: 1000 },
      })
      for (const { value } of readings) {
        seen.push(now - value)
        upTo = Math.max(upTo, value + 1)
      }
    },
  }
}

interface Balance {
  received: number
  missing: number
}

const balance = async (hub: HubInProcess, agent: string): Promise<Balance[]> =>
  (await hub.ask<{ balance: Balance[] }>('data.gaps', { agent })).balance
const received = async (hub: HubInProcess, agent: string): Promise<number> =>
  (await balance(hub, agent)).reduce((sum, one) => sum + one.received, 0)
const missing = async (hub: HubInProcess, agent: string): Promise<number> =>
  (await balance(hub, agent)).reduce((sum, one) => sum + one.missing, 0)
