import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { openNetwork } from '../../core/net/index.ts'
import type { BoardingConfiguration, SecurityProfile } from '../../protocol/boarding.ts'
import { isGood } from '../../protocol/reading.ts'
import type { AgentStatus } from '../status.ts'
import { type Child, startChild } from './child.ts'
import type { Machine } from './machine.ts'
import { countedPoint, type PressApp, plantConfiguration, startPressApp } from './plant.ts'

export interface HubAddresses {
  http: string
  mqtt: string
}

export interface GatewayAddresses {
  auth: string
  admin: string
  mqtt: string
}

/** A hub whose address stays the same when it is stopped and started again. */
export interface DemoHub extends AsyncDisposable {
  readonly child: Child<HubAddresses>
  readonly tenant: string
  stop(): Promise<void>
  start(): Promise<void>
}

export async function startHub(dir: string): Promise<DemoHub> {
  const stateDir = join(dir, 'hub')
  const start = (http: string, mqtt: string) =>
    startChild<HubAddresses>({
      command: ['hub'],
      stateDir,
      env: { EDGEWARD_HUB_HTTP: http, EDGEWARD_HUB_MQTT: mqtt },
    })
  let child = await start('127.0.0.1:0', '127.0.0.1:0')
  const { http, mqtt } = child.addresses
  const { tenant } = await child.operate<{ tenant: string }>('init')
  return {
    get child() {
      return child
    },
    tenant,
    stop: () => child.stop(),
    async start() {
      child = await start(new URL(http).host, new URL(mqtt).host)
    },
    [Symbol.asyncDispose]: () => child.stop(),
  }
}

/** A gateway that is onboarded, configured, and has an app and a user. */
export interface DemoGateway extends AsyncDisposable {
  readonly child: Child<GatewayAddresses>
  readonly agentId: string
  readonly app: { id: string; secret: string; press: PressApp }
  readonly user: { name: string; password: string }
}

const anyPort = '127.0.0.1:0'

export async function startGateway(
  dir: string,
  hub: DemoHub,
  profile: SecurityProfile,
  machine: Promise<Machine>,
  clock: Clock,
): Promise<DemoGateway> {
  await using held = new AsyncDisposableStack()
  const child = held.use(
    await startChild<GatewayAddresses>({
      command: ['run'],
      stateDir: join(dir, profile.toLowerCase()),
      env: {
        EDGEWARD_AUTH_LISTEN: anyPort,
        EDGEWARD_ADMIN_LISTEN: anyPort,
        EDGEWARD_BROKER_LISTEN: anyPort,
        EDGEWARD_SOURCES_DIR: join(dir, 'sources.d'), // not that of this machine
        EDGEWARD_UPLINK_RETRY_MAX: '2s', // who watches a demo does not wait half a minute for a reconnection
      },
    }),
  )
  const { id: agentId, boarding } = await hub.child.operate<{ id: string; boarding: BoardingConfiguration }>(
    'agent.create',
    { name: `demo-${profile.toLowerCase()}`, profile },
  )
  await child.operate('identity.onboard', { boarding })

  const { client_id: id, client_secret: secret } = await child.operate<{
    client_id: string
    client_secret: string
  }>('app.add', { name: 'press', version: '1.0.0' })
  const added = await child.operate<{ password: string }>('user.add', { name: 'operator', roles: ['Admin'] })
  await hub.child.operate('agent.configure', {
    id: agentId,
    configuration: plantConfiguration(id, await machine),
  })
  await until(clock, 'the configuration to reach the gateway', async () => {
    const { configuration, uplink } = await child.operate<AgentStatus>('agent.status')
    return configuration.configurationId !== undefined && uplink.state === 'connected'
  })
  const press = held.use(await startPressApp(child.addresses.mqtt, id, secret))
  const all = held.move()
  return {
    child,
    agentId,
    app: { id, secret, press },
    user: { name: 'operator', password: added.password },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** Polls until it holds; gives up after a minute. */
export async function until(clock: Clock, what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = clock.monotonic() + 60_000
  while (!(await holds())) {
    if (clock.monotonic() > deadline) throw new Error(`waited a minute in vain for ${what}`)
    await clock.sleep(200)
  }
}

/** The counted values as the hub tells them, in order of time. */
export async function arrivedStrokes(hub: DemoHub, agentId: string): Promise<number[]> {
  const values: number[] = []
  for (let after: string | undefined; ; ) {
    const page = await hub.child.operate<{ readings: { value: number }[]; next?: string }>('data.query', {
      agent: agentId,
      point: countedPoint,
      ...(after === undefined ? {} : { after }),
    })
    values.push(...page.readings.map(({ value }) => value))
    after = page.next
    if (after === undefined) return values
  }
}

/** How many Good readings of a point the hub has; of the first page. */
export async function goodReadings(hub: DemoHub, agentId: string, point: string): Promise<number> {
  const { readings } = await hub.child.operate<{ readings: { quality: number }[] }>('data.query', {
    agent: agentId,
    point,
  })
  return readings.filter(({ quality }) => isGood(quality)).length
}

export interface Introspected {
  active: boolean
  sub?: string
}

/** A person's session as an app sees it. */
export interface DemoSession {
  introspect(): Promise<Introspected>
  logOut(): Promise<void>
}

export async function signIn({ child, app, user }: DemoGateway): Promise<DemoSession> {
  const http = openNetwork().http
  const { auth } = child.addresses
  const login = await http({
    method: 'POST',
    url: `${auth}/device/edge/api/v1/login/direct`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: user.name, password: user.password }),
  })
  if (login.status !== 200) throw new Error(`login answered ${login.status}: ${login.body}`)
  const { access_token } = JSON.parse(login.body.toString()) as { access_token: string }
  return {
    async introspect() {
      const answer = await http({
        method: 'POST',
        url: `${auth}/device/edge/auth/oauth2/introspect`,
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          authorization: `Basic ${Buffer.from(`${app.id}:${app.secret}`).toString('base64')}`,
        },
        body: new URLSearchParams({ token: access_token }).toString(),
      })
      return JSON.parse(answer.body.toString()) as Introspected
    },
    async logOut() {
      const answer = await http({
        method: 'POST',
        url: `${auth}/device/edge/auth/logout`,
        headers: { cookie: `access_token=${access_token}`, origin: auth },
      })
      if (answer.status >= 400) throw new Error(`logout answered ${answer.status}: ${answer.body}`)
    },
  }
}
