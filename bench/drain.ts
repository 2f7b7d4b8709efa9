import { join } from 'node:path'
import { pino } from 'pino'
import { createAlarms, openOutbox } from '../agent/test-outbox.ts'
import { systemClock } from '../core/clock.ts'
import { systemRandom } from '../core/random.ts'
import {
  type CreatedAgent,
  createAgent,
  type Hub,
  joinPlant,
  type StoredReading,
  sameAddresses,
  startGateway,
  startHub,
  tempDir,
} from '../test/harness.ts'
import { manualClock } from '../test/manual-clock.ts'
import { seeded } from '../test/seeded.ts'
import { untilKept } from '../test/until-kept.ts'
import { startApp } from './app.ts'
import { ask } from './ask.ts'
import type { Bench, Effort, Measured } from './bench.ts'
import { median, pause, percentile, rounded, until } from './measure.ts'
import { mixedPlant, pointsInMix } from './mix.ts'

/**
 * A box with a backlog, as windows of 250 ms at 500 points/s leave it, meets its hub again: samples
 * committed a second, by the hub's own count, while an app goes on measuring 500 points/s. Lag is from an
 * app's clock to the poll of the hub's store that finds the reading, so up to one poll too long.
 */
export const drain: Bench = {
  name: 'drain',
  about: 'backlog samples/s committed at the hub over loopback, live data fresh meanwhile',
  measure: async ({ quick, say }: Effort): Promise<Measured> => {
    const rounds = quick ? 1 : 3
    const backlog = quick ? 200_000 : 2_000_000
    const outcomes: Outcome[] = []
    for (let round = 0; round < rounds; round++) {
      outcomes.push(await drained(backlog, say))
      say(`round ${round + 1}: ${JSON.stringify(outcomes.at(-1))}`)
    }
    const mid = (key: keyof Outcome) => rounded(median(outcomes.map((one) => one[key])))
    const ours = {
      backlogSamples: backlog,
      samplesPerSecond: mid('samplesPerSecond'),
      liveLagP50Ms: mid('lagP50'),
      liveLagMaxMs: rounded(Math.max(...outcomes.map(({ lagMax }) => lagMax))),
      liveReadings: mid('live'),
    }
    const limit = 100_000
    return {
      unit: 'samples/s committed at the hub; milliseconds from source to commit of live readings',
      runs: rounds,
      ours,
      peer: {},
      ratio: { overTarget: rounded(ours.samplesPerSecond / limit) },
      must: [
        { figure: 'ours.samplesPerSecond', is: ours.samplesPerSecond, atLeast: limit },
        { figure: 'ours.liveLagMaxMs', is: ours.liveLagMaxMs, atMost: 2000 },
      ],
    }
  },
}

interface Outcome {
  samplesPerSecond: number
  lagP50: number
  lagMax: number
  live: number
}

const quiet = { EDGEWARD_LOG_LEVEL: 'warn' }
const messagesPerSecond = 250 // of two points each

async function drained(backlog: number, say: Effort['say']): Promise<Outcome> {
  await using dir = await tempDir()
  await using cleanUp = new AsyncDisposableStack()
  const hubDir = join(dir.path, 'hub')
  const boxDir = join(dir.path, 'box')
  const { agent, app, addresses } = await prepare(hubDir, boxDir)
  say(`filling the outbox with ${backlog} samples`)
  await fill(join(boxDir, 'outbox.db'), backlog)

  const gateway = cleanUp.use(await startGateway(boxDir, quiet))
  const live = await startApp({
    ...{ broker: gateway.addresses.mqtt, topic: 'apps/press/m', username: app.id, password: app.secret },
    perSecond: messagesPerSecond,
    payload: () => JSON.stringify({ n: systemClock.now(), x: 0.5 }),
  })
  cleanUp.defer(() => live.stop())
  await pause(1000)
  const hub = cleanUp.use(await startHub(hubDir, { ...quiet, ...addresses }))
  say('the hub is back')
  return await watchDrain(hub, agent, backlog)
}

async function prepare(hubDir: string, boxDir: string) {
  const hub = await startHub(hubDir, quiet)
  await hub.operate('init')
  const agent = await createAgent(hub, 'box')
  const gateway = await startGateway(boxDir, quiet)
  const app = await joinPlant(gateway, hub, agent)
  await gateway.stop()
  await hub.stop()
  return { agent, app, addresses: sameAddresses(hub) }
}

const windowMs = 250
/** Ten lines of the mix, a scan a second each. */
const lines = 10
const readingsInWindow = (lines * pointsInMix * windowMs) / 1000

/** Through the real outbox, by simulated time. */
async function fill(path: string, samples: number): Promise<void> {
  const log = pino({ level: 'silent' })
  const windows = samples / readingsInWindow
  const clock = manualClock(systemClock.now() - windows * windowMs)
  await using outbox = await openOutbox(
    { clock, random: systemRandom, log, alarms: createAlarms({ clock, log }) },
    {
      ...{ path, boot: 'bench', mode: 'always', whenFull: 'drop_oldest', commitIntervalMs: windowMs },
      ...{ commitBytes: 65_536, maxBytes: 1_073_741_824, ballastBytes: 4 * 1024 * 1024 },
    },
  )
  const scan = mixedPlant(seeded(3))
  for (let taken = 0; taken < samples; ) {
    const readings = Array.from({ length: lines }, () => scan(clock.now())).flat()
    for (let from = 0; from < readings.length; from += readingsInWindow) {
      const part = readings.slice(from, from + readingsInWindow)
      const appended = outbox.append({ source: 'line', readings: part })
      await clock.advance(windowMs)
      await untilKept(clock, appended)
      taken += part.length
    }
  }
}

const pollMs = 100

/** From the hub's first commit until it has as many readings as the backlog held. */
async function watchDrain(hub: Hub, agent: CreatedAgent, backlog: number): Promise<Outcome> {
  const lags: number[] = []
  let since = systemClock.now() - 60_000
  const start = { at: 0, wall: 0, committed: 0 }
  let committed = 0
  await until('the backlog is committed', async () => {
    committed = await committedAt(hub)
    if (start.at === 0 && committed > 0)
      Object.assign(start, { at: systemClock.monotonic(), wall: systemClock.now(), committed })
    const fresh = await readingsSince(hub, agent, since)
    const now = systemClock.now()
    for (const taken of fresh.map(({ value }) => Number(value)))
      if (start.at > 0 && taken >= start.wall) lags.push(now - taken) // what came before is backlog
    const last = fresh.at(-1)
    if (last) since = Date.parse(last.time) + 1
    await pause(pollMs)
    return committed >= backlog
  })
  const seconds = (systemClock.monotonic() - start.at) / 1000
  return {
    samplesPerSecond: (committed - start.committed) / seconds,
    lagP50: percentile(lags, 50),
    lagMax: percentile(lags, 100),
    live: lags.length,
  }
}

async function readingsSince(hub: Hub, agent: CreatedAgent, since: number): Promise<StoredReading[]> {
  const { readings } = await hub.operate<{ readings: StoredReading[] }>('data.query', {
    ...{ agent: agent.id, point: 'n', since: new Date(since).toISOString(), limit: 1000 },
  })
  return readings
}

/** Readings that the hub has committed since its start. */
async function committedAt(hub: Hub): Promise<number> {
  const metrics = await ask(new URL('/metrics', hub.addresses.http))
  const [, count] = /^edgeward_hub_readings_total(?:\{[^}]*\})? (\S+)$/m.exec(metrics) ?? []
  return Number(count ?? 0)
}
