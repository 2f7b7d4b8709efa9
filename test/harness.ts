import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, type ChildOptions, startChild } from '../cli/demo/child.ts'
import type { AgentStatus } from '../cli/status.ts'
import { systemClock } from '../core/clock.ts'
import type { BoardingConfiguration, SecurityProfile } from '../protocol/boarding.ts'
import type { DataSourceConfigurationUpdate } from '../protocol/data-source-configuration.ts'
import { discreet } from './discreet.ts'

/** The whole product as processes: what a test needs to start, ask and stop them. */

export interface TempDir extends AsyncDisposable {
  readonly path: string
}

export async function tempDir(): Promise<TempDir> {
  const path = await mkdtemp(join(tmpdir(), 'edgeward-test-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

export interface CommandResult {
  code: number | null
  stdout: string
  stderr: string
}

const program = fileURLToPath(new URL('../bin/edgeward.js', import.meta.url))

/** Runs one `edgeward` command to its end. */
export function edgeward(
  args: readonly string[],
  { input = '', env = {} }: { input?: string; env?: Record<string, string> } = {},
): Promise<CommandResult> {
  return runProgram(process.execPath, [program, ...args], { input, env })
}

/** Runs somebody's program to its end; never hangs on its standard input. */
export function runProgram(
  file: string,
  args: readonly string[],
  { input = '', env = {} }: { input?: string; env?: Record<string, string> } = {},
): Promise<CommandResult> {
  const { promise, resolve, reject } = Promise.withResolvers<CommandResult>()
  const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: 'pipe' })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  child.on('error', reject)
  child.on('close', (code) => resolve({ code, stdout, stderr }))
  child.stdin.on('error', () => {}) // a program that does not read its input may close it
  child.stdin.end(input)
  return promise
}

const anyPort = '127.0.0.1:0'

export type Gateway = Child<{ auth: string; admin: string; mqtt: string; mqtts?: string }>
export type Hub = Child<{ http: string; mqtt: string }>

export const startGateway = (
  stateDir: string,
  env: Record<string, string> = {},
  options: Pick<ChildOptions, 'program'> = {},
): Promise<Gateway> =>
  start({
    ...options,
    command: ['run'],
    stateDir,
    env: {
      EDGEWARD_AUTH_LISTEN: anyPort,
      EDGEWARD_ADMIN_LISTEN: anyPort,
      EDGEWARD_BROKER_LISTEN: anyPort,
      EDGEWARD_AGENT_RETRY_MAX: '2s',
      EDGEWARD_SOURCES_DIR: `${stateDir}/sources.d`, // not that of this machine
      EDGEWARD_UPLINK_RETRY_MAX: '1s',
      ...env,
    },
  })

/** Logs all there is, and must not have told a secret when it ends. */
async function start<A>({ env, ...options }: ChildOptions): Promise<Child<A>> {
  const all = { ...options, env: { EDGEWARD_LOG_LEVEL: 'trace', ...env } }
  for (let attempt = 1; ; attempt++) {
    try {
      return discreet(await startChild<A>(all))
    } catch (error) {
      // While it was down, somebody's outgoing connection may have been given its port.
      if (attempt === 20 || !(error as Error).message.includes('EADDRINUSE')) throw error
      await systemClock.sleep(500)
    }
  }
}

/** Ports are taken once and kept, so that a hub that is started again has its old address. */
export async function startHub(
  stateDir: string,
  env: Record<string, string> = {},
  options: readonly string[] = [],
): Promise<Hub> {
  return start({
    command: ['hub', ...options],
    stateDir,
    env: { EDGEWARD_HUB_HTTP: anyPort, EDGEWARD_HUB_MQTT: anyPort, ...env },
  })
}

/** The environment that gives a hub the addresses that it had. */
export const sameAddresses = ({ addresses: { http, mqtt } }: Hub) => ({
  EDGEWARD_HUB_HTTP: new URL(http).host,
  EDGEWARD_HUB_MQTT: new URL(mqtt).host,
})

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

export interface CreatedAgent {
  id: string
  boarding: BoardingConfiguration
}

export const createAgent = (
  hub: Hub,
  name: string,
  profile: SecurityProfile = 'RSA_3072',
): Promise<CreatedAgent> => hub.operate('agent.create', { name, profile })

/** One MQTT source: topic `apps/<app>/m`, a LONG `n` and a DOUBLE `x`. */
export const plant = (app: string, configurationId = 'plant-1'): DataSourceConfigurationUpdate => ({
  configurationId,
  dataSources: [
    {
      name: 'line',
      customData: { protocol: 'mqtt' },
      dataPoints: [
        {
          id: 'n',
          name: 'count',
          type: 'LONG',
          unit: '',
          customData: { topic: `apps/${app}/m`, pointer: '/n' },
        },
        {
          id: 'x',
          name: 'level',
          type: 'DOUBLE',
          unit: 'mm',
          customData: { topic: `apps/${app}/m`, pointer: '/x' },
        },
      ],
    },
  ],
})

export interface StoredReading {
  pointId: string
  time: string
  value: number | string | boolean | null
  quality: number
}

export async function readings(hub: Hub, agent: string, point?: string): Promise<StoredReading[]> {
  const all: StoredReading[] = []
  for (let after: string | undefined; ; ) {
    const page = await hub.operate<{ readings: StoredReading[]; next?: string }>('data.query', {
      agent,
      point,
      after,
    })
    all.push(...page.readings)
    after = page.next
    if (after === undefined) return all
  }
}

export const agentStatus = (gateway: Gateway): Promise<AgentStatus> => gateway.operate('agent.status')

/** Polls until `holds`; after a minute the test fails with what it waited for. */
export async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = systemClock.monotonic() + 60_000
  for (;;) {
    try {
      if (await holds()) return
    } catch (error) {
      if (systemClock.monotonic() > deadline) throw error
    }
    if (systemClock.monotonic() > deadline) throw new Error(`waited a minute in vain: ${what}`)
    await systemClock.sleep(100)
  }
}

/** Onboards, configures the plant of app `press`, and waits until both ends are connected. */
export async function joinPlant(
  gateway: Gateway,
  hub: Hub,
  agent: CreatedAgent,
): Promise<{ id: string; secret: string }> {
  await gateway.operate('identity.onboard', { boarding: agent.boarding })
  const app = await gateway.operate<{ client_id: string; client_secret: string }>('app.add', {
    name: 'press',
    version: '1.0.0',
  })
  await hub.operate('agent.configure', { id: agent.id, configuration: plant('press') })
  await eventually('configured and connected', async () => {
    const { configuration, uplink } = await agentStatus(gateway)
    return configuration.configurationId === 'plant-1' && uplink.state === 'connected'
  })
  return { id: app.client_id, secret: app.client_secret }
}
