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

const rounds = Number(process.env.KILL_ROUNDS ?? 3)

/** Messages that the app has under way at once. */
const inFlight = 20

/** Publishes without a pause and counts what was acknowledged; survives the broker's death. */
async function startPublisher(broker: string, app: { id: string; secret: string }) {
  const client = await connectAsync(broker, {
    username: app.id,
    password: app.secret,
    clientId: 'publisher',
    reconnectPeriod: 100,
  })
  client.on('error', () => {})
  const acknowledged: number[] = []
  let going = true
  let n = 0
  /** As an app should: what was not acknowledged is sent again. */
  const untilAcknowledged = async (payload: string): Promise<void> => {
    for (;;) {
      try {
        await client.publishAsync('apps/press/m', payload, { qos: 1 })
        return
      } catch {
        await systemClock.sleep(50)
      }
    }
  }
  const publish = async () => {
    while (going) {
      const value = ++n
      await untilAcknowledged(JSON.stringify({ n: value, x: value / 2 }))
      acknowledged.push(value)
    }
  }
  const publishing = Promise.all(Array.from({ length: inFlight }, publish))
  return {
    acknowledged,
    async stop() {
      going = false
      await publishing
      await client.endAsync()
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
    const agent = await createAgent(hub, 'victim')
    const app = await joinPlant(gateway, hub, agent)
    const publisher = await startPublisher(gateway.addresses.mqtt, app)
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
    // What the app has in flight it must send again when its broker is killed.
    const repeats = values.length - new Set(values).size
    expect(repeats).toBeLessThanOrEqual(victim === 'gateway' ? rounds * inFlight : 0)
    process.stderr.write(
      `${rounds} kills of the ${victim}: ${acknowledged.length} acknowledged, 0 lost, ${repeats} sent again by the app\n`,
    )
  } finally {
    await gateway.stop('SIGKILL')
    await hub.stop('SIGKILL')
  }
}

test('kill -9 of the gateway during upload loses nothing acknowledged', () =>
  nothingAcknowledgedIsLost('gateway'))

test('kill -9 of the hub during upload loses nothing and stores nothing twice', () =>
  nothingAcknowledgedIsLost('hub'))
