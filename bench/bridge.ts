import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import {
  createAgent,
  freePort,
  joinPlant,
  readings,
  sameAddresses,
  startGateway,
  startHub,
  tempDir,
} from '../test/harness.ts'
import { type LoopDisk, loopDisk } from '../test/loop-disk.ts'
import { type AppOptions, startApp } from './app.ts'
import type { Bench, Effort, Measured } from './bench.ts'
import { median, pause, rounded, until } from './measure.ts'
import { startMosquitto } from './mosquitto.ts'

/**
 * An app publishes, QoS 1, while the far side is down; the broker on the box is killed with -9; then all is
 * started again. Lost is what the app has a PUBACK for and the far side never got. Bytes are those that
 * reached a block device of its own (ext4 on a loop device) while the app published.
 */
export const bridge: Bench = {
  name: 'bridge',
  about: 'acknowledged messages lost and bytes written per message, against a mosquitto bridge',
  measure: async ({ quick, say }: Effort): Promise<Measured> => {
    const rounds = quick ? 1 : 3
    const forMs = quick ? 2000 : 6000
    const contestants = {
      edgeward: box,
      defaults: mosquittoWith([]),
      autosave: mosquittoWith(['max_queued_messages 0', 'autosave_on_changes true', 'autosave_interval 1']),
    }
    const outcomes = { edgeward: [], defaults: [], autosave: [] } as Record<
      keyof typeof contestants,
      Outcome[]
    >
    for (let round = 0; round < rounds; round++)
      for (const [name, contest] of Object.entries(contestants) as [keyof typeof contestants, Contest][]) {
        const outcome = await contest(forMs)
        say(`round ${round + 1}, ${name}: ${JSON.stringify(outcome)}`)
        outcomes[name].push(outcome)
      }
    return judge(rounds, outcomes)
  },
}

interface Outcome {
  acknowledged: number
  arrived: number
  lost: number
  bytesPerMessage: number
}
type Contest = (forMs: number) => Promise<Outcome>

const perSecond = 500

function judge(rounds: number, outcomes: Record<'edgeward' | 'defaults' | 'autosave', Outcome[]>): Measured {
  const total = (of: readonly Outcome[], key: keyof Outcome) => of.reduce((sum, one) => sum + one[key], 0)
  const bytes = (of: readonly Outcome[]) => rounded(median(of.map(({ bytesPerMessage }) => bytesPerMessage)))
  const figures = (of: readonly Outcome[], prefix = '') => ({
    [`${prefix}acknowledged`]: total(of, 'acknowledged'),
    [`${prefix}arrived`]: total(of, 'arrived'),
    [`${prefix}lost`]: total(of, 'lost'),
    [`${prefix}bytesPerMessage`]: bytes(of),
  })
  const { edgeward, defaults, autosave } = outcomes
  const ratio = { autosaveBytesOverOurs: rounded(bytes(autosave) / bytes(edgeward)) }
  return {
    unit: `messages; bytes at the block device per acknowledged message, ${perSecond} messages/s`,
    runs: rounds,
    ours: figures(edgeward),
    peer: {
      ...figures(defaults, 'mosquitto defaults: '),
      ...figures(autosave, 'mosquitto autosave_on_changes: '),
    },
    ratio,
    must: [
      { figure: 'ours.lost', is: total(edgeward, 'lost'), atMost: 0 },
      { figure: 'ratio.autosaveBytesOverOurs', is: ratio.autosaveBytesOverOurs, atLeast: 100 },
    ],
  }
}

const message = (n: number) => JSON.stringify({ n, x: n / 2 })

/** Publishes to a broker whose state is on `disk`, and kills it in the middle of that. */
async function publishAndKill(disk: LoopDisk, app: AppOptions, forMs: number, kill: () => Promise<void>) {
  const before = await disk.written()
  const publisher = await startApp(app)
  await pause(forMs)
  const after = await disk.written()
  const acknowledgedInSpan = publisher.acknowledged.size
  await kill()
  await publisher.stop()
  return {
    acknowledged: publisher.acknowledged,
    bytesPerMessage: rounded((after.bytes - before.bytes) / Math.max(1, acknowledgedInSpan)),
  }
}

const counted = (
  acknowledged: ReadonlySet<number>,
  arrived: ReadonlySet<number>,
  bytesPerMessage: number,
) => ({
  acknowledged: acknowledged.size,
  arrived: arrived.size,
  lost: acknowledged.difference(arrived).size,
  bytesPerMessage,
})

async function box(forMs: number): Promise<Outcome> {
  await using dir = await tempDir()
  await mkdir(join(dir.path, 'disk'))
  await using disk = await loopDisk(join(dir.path, 'disk'), 256)
  const quiet = { EDGEWARD_LOG_LEVEL: 'warn' }
  const hubDir = join(dir.path, 'hub')
  let hub = await startHub(hubDir, quiet)
  await using cleanUp = new AsyncDisposableStack()
  cleanUp.defer(() => hub.stop('SIGKILL'))
  await hub.operate('init')
  const agent = await createAgent(hub, 'box')
  const stateDir = join(disk.path, 'box')
  let gateway = await startGateway(stateDir, quiet)
  cleanUp.defer(() => gateway.stop('SIGKILL'))
  const { id, secret } = await joinPlant(gateway, hub, agent)
  await hub.stop()
  const { acknowledged, bytesPerMessage } = await publishAndKill(
    disk,
    {
      ...{ broker: gateway.addresses.mqtt, topic: 'apps/press/m', username: id, password: secret },
      ...{ perSecond, payload: message },
    },
    forMs,
    () => gateway.stop('SIGKILL'),
  )
  gateway = await startGateway(stateDir, quiet)
  hub = await startHub(hubDir, { ...quiet, ...sameAddresses(hub) })
  const arrived = async () => new Set((await readings(hub, agent.id, 'n')).map(({ value }) => Number(value)))
  await until('the backlog is at the hub', async () => {
    const { outbox } = await gateway.operate<{ outbox: { readings: number } }>('agent.status')
    return outbox.readings === 0
  })
  return counted(acknowledged, await arrived(), bytesPerMessage)
}

function mosquittoWith(settings: readonly string[]): Contest {
  return async (forMs) => {
    await using dir = await tempDir()
    await mkdir(join(dir.path, 'disk'))
    await using disk = await loopDisk(join(dir.path, 'disk'), 256)
    const remotePort = await freePort()
    const state = join(disk.path, 'state')
    const bridging = [
      ...['persistence true', `persistence_location ${state}/`, ...settings],
      ...['connection up', `address 127.0.0.1:${remotePort}`, 'cleansession false', 'restart_timeout 1'],
      'topic # out 1',
    ]
    const port = await freePort()
    const killed = await startMosquitto(state, port, bridging)
    const app = { broker: killed.url, topic: 'apps/press/m', perSecond, payload: message }
    const { acknowledged, bytesPerMessage } = await publishAndKill(disk, app, forMs, killed.kill)

    await using remote = await startMosquitto(join(dir.path, 'remote'), remotePort, ['max_queued_messages 0'])
    const arrived = new Set<number>()
    const subscriber = await connectAsync(remote.url)
    subscriber.on('message', (_, payload) => arrived.add((JSON.parse(payload.toString()) as { n: number }).n))
    await subscriber.subscribeAsync('#', { qos: 1 })
    await using _again = await startMosquitto(state, port, bridging)
    await settled(arrived)
    await subscriber.endAsync(true)
    return counted(acknowledged, arrived, bytesPerMessage)
  }
}

/** Nothing says that a bridge has sent all: three quiet seconds after its reconnects must do. */
async function settled(arrived: ReadonlySet<number>): Promise<void> {
  for (let quiet = 0, before = -1; quiet < 3; quiet = arrived.size === before ? quiet + 1 : 0) {
    before = arrived.size
    await pause(1000)
  }
}
