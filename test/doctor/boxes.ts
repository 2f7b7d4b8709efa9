import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openCerts } from '../../certs/index.ts'
import { systemClock } from '../../core/clock.ts'
import { createLog } from '../../core/log.ts'
import { systemRandom } from '../../core/random.ts'
import { type Front, leadTo, openFront } from '../front.ts'
import {
  agentStatus,
  type CreatedAgent,
  createAgent,
  eventually,
  type Gateway,
  type Hub,
  plant,
  startGateway,
  startHub,
} from '../harness.ts'

/** Real boxes in front of real hubs; every address of the hub is a front that can be made to misbehave. */
export interface Box {
  dir: string
  gateway: Gateway
  /** The hub's REST and MQTT addresses, as the box knows them. */
  rest: Front
  mqtt: Front
  hub: Hub
  agent: CreatedAgent
}

interface Kept {
  dir: string
  gateway: Gateway
}

export interface Boxes {
  /** The directory of all of them. */
  dir: string
  plain: Box
  secure: Box
  /** Without a hub. */
  bare: Kept
  /** Not onboarded at first. */
  lost: Kept
  pairs: Awaited<ReturnType<typeof makePairs>>
}

export async function startBoxes(held: AsyncDisposableStack, dir: string): Promise<Boxes> {
  const pairs = await makePairs(dir)
  const { cert, key, ca } = pairs.files
  const tls = { EDGEWARD_HUB_TLS_CERT: cert, EDGEWARD_HUB_TLS_KEY: key, EDGEWARD_HUB_TLS_CA: ca }
  const all = {
    EDGEWARD_BROKER_TLS_LISTEN: '127.0.0.1:0',
    EDGEWARD_AUTH_INTROSPECT_LISTEN: '127.0.0.1:0',
  }
  const keep = async (name: string, env: Record<string, string>): Promise<Kept> => {
    const state = join(dir, name)
    return { dir: state, gateway: held.use(await startGateway(state, env)) }
  }
  const [plain, secure, bare, lost] = await Promise.all([
    startBox(held, dir, 'plain', {}),
    startBox(held, dir, 'secure', tls),
    keep('bare', all),
    keep('lost', {}),
  ])
  return { dir, plain, secure, bare, lost, pairs }
}

const dayMs = 86_400_000

export function issueAt(dir: string, now: number, addresses: string[]) {
  const deps = { clock: { ...systemClock, now: () => now }, random: systemRandom, log: createLog('silent') }
  const network = () => ({ hostName: 'hub', addresses })
  return openCerts({ ...deps, network }, { dir, names: [], deviceName: 'hub' })
}

/** Certificates of one authority: right, expired, for another host; and one of an authority nobody knows. */
async function makePairs(parent: string) {
  const own = join(parent, 'pki')
  const now = systemClock.now()
  const expired = (await issueAt(own, now - 500 * dayMs, ['127.0.0.1'])).server
  const otherHost = (await issueAt(own, now, [])).server
  const { server, ca } = await issueAt(own, now, ['127.0.0.1'])
  const stranger = (await issueAt(join(parent, 'stranger'), now, ['127.0.0.1'])).server
  const files = { cert: join(own, 'hub.pem'), key: join(own, 'hub.key'), ca: join(own, 'authority.pem') }
  await writeFile(files.cert, server.cert)
  await writeFile(files.key, server.key, { mode: 0o600 })
  await writeFile(files.ca, ca)
  return { expired, otherHost, stranger, ca, files }
}

async function startBox(
  held: AsyncDisposableStack,
  dir: string,
  name: string,
  hubEnv: Record<string, string>,
): Promise<Box> {
  const hub = held.use(await startHub(join(dir, `${name}-hub`), hubEnv))
  await hub.operate('init')
  const agent = await createAgent(hub, name)
  await hub.operate('agent.configure', { id: agent.id, configuration: plant('press') })
  const rest = held.use(await openFront(leadTo(hub.addresses.http)))
  const mqtt = held.use(await openFront(leadTo(hub.addresses.mqtt)))
  const { content } = agent.boarding
  content.baseUrl = `${new URL(content.baseUrl).protocol}//${rest.host}`
  content.mqtt = `${new URL(content.mqtt ?? '').protocol}//${mqtt.host}`
  const state = join(dir, name)
  const gateway = held.use(await startGateway(state))
  await gateway.operate('identity.onboard', { boarding: agent.boarding })
  await eventually('configured and connected', async () => {
    const { uplink, configuration } = await agentStatus(gateway)
    return uplink.state === 'connected' && configuration.configurationId !== undefined
  })
  return { dir: state, gateway, rest, mqtt, hub, agent }
}
