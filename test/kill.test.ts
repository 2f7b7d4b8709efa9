import { connectAsync } from 'mqtt'
import { expect, test } from 'vitest'
import { systemClock } from '../core/clock.ts'
import {
  createAgent,
  eventually,
  freePort,
  type Gateway,
  joinPlant,
  readings,
  sameAddresses,
  startGateway,
  startHub,
  tempDir,
} from './harness.ts'

/** kill-thread.test.ts has the many rounds; here each takes a process. */
const rounds = Number(process.env.KILL_ROUNDS ?? 6)

/** Messages that the app has under way at once. */
const inFlight = 20

/**
 * Publishes without a pause and counts what was acknowledged; survives the broker's death. Each attempt
 * has a value of its own, so that what the hub has twice edgeward has sent twice.
 */
function startPublisher(broker: string, app: { id: string; secret: string }) {
  const acknowledged: number[] = []
  let going = true
  let n = 0

  async function connection(): Promise<void> {
    const login = { username: app.id, password: app.secret, clientId: 'publisher' }
    const client = await connectAsync(broker, { ...login, reconnectPeriod: 0 }) // it would send again itself
    client.on('error', () => {})
    const closed = new Promise<false>((resolve) => client.once('close', () => resolve(false)))
    const attempt = async (value: number): Promise<boolean> => {
      const sent = client.publishAsync('apps/press/m', JSON.stringify({ n: value, x: value / 2 }), { qos: 1 })
      const kept = sent.then(
        () => true,
        () => false,
      )
      return Promise.race([kept, closed])
    }
    const publish = async () => {
      while (going && client.connected) {
        const value = ++n
        if (await attempt(value)) acknowledged.push(value)
      }
    }
    await Promise.all(Array.from({ length: inFlight }, publish))
    await client.endAsync(true)
  }

  async function publishOn(): Promise<void> {
    while (going) await connection().catch(() => systemClock.sleep(50))
  }
  const publishing = publishOn()
  return {
    acknowledged,
    async stop() {
      going = false
      await publishing
    },
  }
}

async function nothingAcknowledgedIsLost(victim: 'gateway' | 'hub'): Promise<void> {
  await using dir = await tempDir()
  const broker = `127.0.0.1:${await freePort()}`
  let hub = await startHub(`${dir.path}/hub`)
  let gateway: Gateway = await startGateway(`${dir.path}/box`, { EDGEWARD_BROKER_LISTEN: broker })
  try {
    await hub.operate('init')
    const agent = await createAgent(hub, 'victim', 'SHARED_SECRET')
    const app = await joinPlant(gateway, hub, agent)
    const publisher = startPublisher(gateway.addresses.mqtt, app)
    for (let round = 0; round < rounds; round++) {
      await systemClock.sleep(300 + Math.random() * 900)
      if (victim === 'gateway') {
        await gateway.stop('SIGKILL')
        gateway = await startGateway(`${dir.path}/box`, { EDGEWARD_BROKER_LISTEN: broker })
      } else {
        await hub.stop('SIGKILL')
        hub = await startHub(`${dir.path}/hub`, sameAddresses(hub))
      }
    }
    await publisher.stop()
    const { acknowledged } = publisher
    await eventually('all acknowledged readings at the hub', async () => {
      const arrived = new Set((await readings(hub, agent.id, 'n')).map(({ value }) => value))
      return acknowledged.every((value) => arrived.has(value))
    })
    const values = (await readings(hub, agent.id, 'n')).map(({ value }) => value)
    expect(acknowledged.length).toBeGreaterThan(rounds)
    expect(values.length - new Set(values).size, 'readings stored twice').toBe(0)
    process.stderr.write(
      `${rounds} kills of the ${victim}: ${acknowledged.length} acknowledged, 0 lost, 0 twice\n`,
    )
  } finally {
    await gateway.stop('SIGKILL')
    await hub.stop('SIGKILL')
  }
}

test.concurrent('kill -9 of the gateway during upload loses nothing acknowledged', () =>
  nothingAcknowledgedIsLost('gateway'))

test.concurrent('kill -9 of the hub during upload loses nothing and stores nothing twice', () =>
  nothingAcknowledgedIsLost('hub'))
