import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { openCerts } from '../certs/index.ts'
import { systemClock } from '../core/clock.ts'
import { createLog } from '../core/log.ts'
import { systemRandom } from '../core/random.ts'
import { freePort } from './harness.ts'
import { findProgram } from './peers.ts'

/** A real reverse proxy with the configuration that edgeward writes for it, on ports of its own. */
export interface RunningProxy {
  /** Where it serves, over TLS. */
  readonly url: string
  /** The same without TLS, which only leads there. */
  readonly plain: string
}
export type StartProxy = (held: AsyncDisposableStack, dir: string, text: string) => Promise<RunningProxy>

/** A certificate for 127.0.0.1 in `server.crt` and `server.key`; returns the CA to trust. */
export async function makeCertificate(dir: string): Promise<string> {
  const deps = { clock: systemClock, random: systemRandom, log: createLog('silent') }
  const { ca } = await openCerts(deps, { dir, names: ['127.0.0.1'], deviceName: 'box' })
  return ca
}

export const startNginx: StartProxy = async (held, dir, text) => {
  const [http, https] = [await freePort(), await freePort()]
  const name = `nginx-${https}`
  const site = changed(text, [
    [/listen \[::\]:.*/g, ''],
    [/listen 80;/g, `listen 127.0.0.1:${http};`],
    [/listen 443 /g, `listen 127.0.0.1:${https} `],
  ])
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(dir, `${name}-${kind}`)};`,
  )
  const main = `
    daemon off;
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    worker_processes 1;
    pid ${join(dir, `${name}.pid`)};
    error_log stderr error;
    events {}
    http { access_log off; ${temporary.join(' ')} include ${join(dir, `${name}-site.conf`)}; }`
  await writeFile(join(dir, `${name}-site.conf`), site)
  await writeFile(join(dir, `${name}.conf`), main)
  await run(held, 'nginx', ['-c', join(dir, `${name}.conf`)], https)
  return { url: `https://127.0.0.1:${https}`, plain: `http://127.0.0.1:${http}` }
}

export const startCaddy: StartProxy = async (held, dir, text) => {
  const [http, https] = [await freePort(), await freePort()]
  const home = join(dir, `caddy-${https}`)
  await mkdir(home)
  const site = changed(text, [
    [/^:80 \{/m, `:${http} {\n\tbind 127.0.0.1`],
    [/^:443 \{/m, `:${https} {\n\tbind 127.0.0.1`],
  ])
  const file = join(home, 'Caddyfile')
  await writeFile(file, `{\n\tadmin off\n\tauto_https off\n\tlog {\n\t\tlevel ERROR\n\t}\n}\n${site}`)
  await run(held, 'caddy', ['run', '--adapter', 'caddyfile', '--config', file], https, {
    ...{ HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home },
  })
  return { url: `https://127.0.0.1:${https}`, plain: `http://127.0.0.1:${http}` }
}

/** Ports are all that a test may change in what is written for people. */
function changed(text: string, changes: readonly [RegExp, string][]): string {
  return changes.reduce((site, [written, ours]) => {
    if (!written.test(site)) throw new Error(`${written} is not in the configuration`)
    return site.replace(written, ours)
  }, text)
}

async function run(
  held: AsyncDisposableStack,
  program: string,
  args: string[],
  port: number,
  env: Record<string, string> = {},
): Promise<void> {
  const child = spawn(findProgram(program) as string, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  held.defer(async () => {
    if (child.exitCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  })
  await untilOpen(port, () => child.exitCode !== null)
}

async function untilOpen(port: number, ended: () => boolean): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      socket.destroy()
      return
    } catch (error) {
      if (attempt > 200 || ended()) throw error
      await delay(50)
    }
  }
}

export interface EchoApp {
  readonly url: string
  /** Every request that has reached it. */
  readonly seen: { method: string; target: string; headers: IncomingMessage['headers'] }[]
}

/** An app that says what reached it, and takes every WebSocket. */
export async function startEcho(held: AsyncDisposableStack): Promise<EchoApp> {
  const seen: EchoApp['seen'] = []
  const note = ({ method = '', url = '', headers }: IncomingMessage) =>
    seen.push({ method, target: url, headers })
  const server = createServer((incoming, answer) => {
    note(incoming)
    answer.setHeader('content-type', 'application/json')
    answer.end(JSON.stringify({ app: true, target: incoming.url, headers: incoming.headers }))
  })
  server.on('upgrade', (incoming, socket) => {
    note(incoming)
    socket.on('error', () => {})
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    socket.on('data', (data) => socket.write(data))
    held.defer(() => void socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  held.defer(() => void server.close().closeAllConnections())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}
