import { Agent } from 'node:http'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import { systemClock } from '../core/clock.ts'
import { tempDir } from '../test/harness.ts'
import { startApp } from './app.ts'
import { ask } from './ask.ts'
import type { Bench, Effort, Measured } from './bench.ts'
import { median, pause, percentile, rounded } from './measure.ts'
import { prepareTwins, startTraced, type Traced, type Visitor } from './twins.ts'

/**
 * Two daemons with the same state, both under strace; in one of them every fsync takes half a second.
 * The hub is down, so that measurements go to the disk, and an app publishes them all the while. Asked in
 * turns: introspection over eight connections, and round trips over the broker on a topic that no data
 * point is bound to, both at a steady rate.
 */
export const stall: Bench = {
  name: 'stall',
  about: 'p99 of introspection and broker while every fsync takes 500 ms, over quiet',
  measure: async ({ quick, say }: Effort): Promise<Measured> => {
    const rounds = quick ? 1 : 5
    const forMs = quick ? 3000 : 10_000
    await using dir = await tempDir()
    const app = await prepareTwins(dir.path, ['quiet', 'stalled'])
    await using quiet = await startTraced(join(dir.path, 'quiet'), [])
    const delay = ['-e', 'inject=fdatasync,fsync:delay_enter=500000']
    await using stalled = await startTraced(join(dir.path, 'stalled'), delay)
    const results = { quiet: [] as Latency[], stalled: [] as Latency[] }
    for (let round = 0; round < rounds; round++)
      for (const [name, daemon] of Object.entries({ quiet, stalled }) as ['quiet' | 'stalled', Traced][]) {
        const latency = await load(daemon, app, forMs)
        say(`round ${round + 1}, ${name}: ${JSON.stringify(latency)}`)
        results[name].push(latency)
      }
    return judge(rounds, results)
  },
}

interface Latency {
  introspectP99: number
  introspectP50: number
  brokerP99: number
  brokerP50: number
  /** Measurements that the broker acknowledged in this span. */
  kept: number
}

function judge(rounds: number, { quiet, stalled }: Record<'quiet' | 'stalled', Latency[]>): Measured {
  const figures = (of: readonly Latency[]) =>
    Object.fromEntries(
      (Object.keys(of[0] as Latency) as (keyof Latency)[]).map((key) => [
        key,
        rounded(median(of.map((one) => one[key]))),
      ]),
    ) as Record<keyof Latency, number>
  const [ours, peer] = [figures(stalled), figures(quiet)]
  const ratio = {
    introspect: rounded(ours.introspectP99 / peer.introspectP99),
    broker: rounded(ours.brokerP99 / peer.brokerP99),
  }
  return {
    unit: 'milliseconds; ours: every fsync takes 500 ms, peer: the same daemon without that',
    runs: rounds,
    ours,
    peer,
    ratio,
    must: [
      { figure: 'ratio.introspect', is: ratio.introspect, atMost: 2 },
      { figure: 'ratio.broker', is: ratio.broker, atMost: 2 },
    ],
  }
}

const connections = 8
/** Of one connection. */
const askEveryMs = 10
const roundTripEveryMs = 5
const measurementsPerSecond = 50

async function load(daemon: Traced, app: Visitor, forMs: number): Promise<Latency> {
  const login = { username: app.id, password: app.secret }
  const measurements = await startApp({
    ...{ broker: daemon.mqtt, topic: 'apps/press/m', ...login },
    ...{ perSecond: measurementsPerSecond, payload: (n) => JSON.stringify({ n, x: n / 2 }) },
  })
  await pause(1000)
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  try {
    const introspect = introspection(daemon, app, agent)
    const until = systemClock.monotonic() + forMs
    const [introspected, broker] = await Promise.all([
      Promise.all(Array.from({ length: connections }, () => paced(askEveryMs, until, introspect))),
      roundTrips(daemon, login, until),
    ])
    const asked = introspected.flat()
    return {
      introspectP99: percentile(asked, 99),
      introspectP50: percentile(asked, 50),
      brokerP99: percentile(broker, 99),
      brokerP50: percentile(broker, 50),
      kept: measurements.acknowledged.size,
    }
  } finally {
    agent.destroy()
    await measurements.stop()
  }
}

/** Milliseconds of each turn; turns begin `everyMs` apart or when the one before is over. */
async function paced(everyMs: number, until: number, turn: () => Promise<void>): Promise<number[]> {
  const latencies: number[] = []
  for (let start = systemClock.monotonic(); start < until; start = systemClock.monotonic()) {
    await turn()
    const took = systemClock.monotonic() - start
    latencies.push(took)
    await pause(Math.max(0, everyMs - took))
  }
  return latencies
}

/** Asks, as the app does, about the token of a user. */
function introspection({ auth }: Traced, { id, secret, token }: Visitor, agent: Agent): () => Promise<void> {
  const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
  const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' }
  const url = new URL('/device/edge/auth/oauth2/introspect', auth)
  return async () => {
    const text = await ask(url, { method: 'POST', headers, agent, body: `token=${token}` })
    if (!text.includes('"active":true')) throw new Error(`introspection answered ${text}`)
  }
}

async function roundTrips(
  { mqtt }: Traced,
  login: { username: string; password: string },
  until: number,
): Promise<number[]> {
  const client = await connectAsync(mqtt, { ...login, clientId: 'bench-echo', reconnectPeriod: 0 })
  ;(client.stream as Socket).setNoDelay(true) // else this client waits for itself, 40 ms a turn
  const topic = 'apps/press/echo'
  let back = Promise.withResolvers<void>()
  client.on('message', () => back.resolve())
  await client.subscribeAsync(topic, { qos: 1 })
  try {
    return await paced(roundTripEveryMs, until, async () => {
      back = Promise.withResolvers()
      await client.publishAsync(topic, 'x', { qos: 1 })
      await back.promise
    })
  } finally {
    await client.endAsync(true)
  }
}
