import { spawn } from 'node:child_process'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createAgent, joinPlant, startGateway, startHub } from '../test/harness.ts'
import { ask } from './ask.ts'

/** Who asks: an app with its credentials, and a signed-in user's token. */
export interface Visitor {
  id: string
  secret: string
  token: string
}

/** The state of an onboarded box with an app and a user, its hub gone, under each of these names. */
export async function prepareTwins(dir: string, [name, ...others]: [string, ...string[]]): Promise<Visitor> {
  await using hub = await startHub(join(dir, 'hub'))
  await hub.operate('init')
  const agent = await createAgent(hub, 'box')
  const gateway = await startGateway(join(dir, name))
  const app = await joinPlant(gateway, hub, agent)
  const user = { name: 'ann', roles: ['Admin'] }
  const { password } = await gateway.operate<{ password: string }>('user.add', user)
  const answer = await ask(new URL('/device/edge/api/v1/login/direct', gateway.addresses.auth), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: user.name, password }),
  })
  await gateway.stop()
  const runtime = join(dir, name, 'run')
  for (const other of others)
    await cp(join(dir, name), join(dir, other), { recursive: true, filter: (path) => path !== runtime })
  return { ...app, token: (JSON.parse(answer) as { access_token: string }).access_token }
}

export interface Traced extends AsyncDisposable {
  auth: string
  mqtt: string
}

const program = fileURLToPath(new URL('../bin/edgeward.js', import.meta.url))

/** A daemon whose syncs all stop in strace, whether it delays them or not. */
export async function startTraced(stateDir: string, inject: readonly string[]): Promise<Traced> {
  const trace = ['-f', '--seccomp-bpf', '-qq', '-o', '/dev/null', '-e', 'trace=fdatasync,fsync', ...inject]
  const run = [process.execPath, program, 'run', '--state-dir', stateDir]
  const env = {
    ...process.env,
    ...{ EDGEWARD_AUTH_LISTEN: '127.0.0.1:0', EDGEWARD_ADMIN_LISTEN: '127.0.0.1:0' },
    ...{ EDGEWARD_BROKER_LISTEN: '127.0.0.1:0', EDGEWARD_LOG_LEVEL: 'error' },
  }
  const child = spawn('strace', [...trace, ...run], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const ready = new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve)
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`the traced daemon ended with ${code}`)))
  })
  const { auth, mqtt } = JSON.parse(await ready) as Traced
  return {
    ...{ auth, mqtt },
    async [Symbol.asyncDispose]() {
      process.kill(-(child.pid as number), 'SIGKILL') // strace and what it traces: one group
      await exited
    },
  }
}
