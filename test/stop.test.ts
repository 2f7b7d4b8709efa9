import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { Agent, get } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import { connectAsync } from 'mqtt'
import { expect, test } from 'vitest'
import { systemClock } from '../core/clock.ts'
import { openNetwork } from '../core/net/index.ts'
import {
  agentStatus,
  createAgent,
  eventually,
  type Gateway,
  joinPlant,
  startGateway,
  startHub,
  tempDir,
} from './harness.ts'
import { startEcho } from './proxies.ts'

const { http } = openNetwork()

/** Takes connections and never answers. */
async function startDead(held: AsyncDisposableStack) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  held.defer(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { port: (server.address() as { port: number }).port, connected: async () => sockets.size > 0 }
}

const deadSource = (port: number) => `
[[dataSources]]
name = "dead-plc"
customData = { protocol = "modbus", address = "127.0.0.1:${port}", interval = "1s", timeout = "30s" }

[[dataSources.dataPoints]]
id = "dead-count"
name = "count"
type = "LONG"
customData = { table = "holding", address = 0, type = "uint32" }
`

async function signIn(gateway: Gateway, username: string, password: string): Promise<string> {
  const { body } = await http({
    method: 'POST',
    url: `${gateway.addresses.auth}/device/edge/api/v1/login/direct`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password }),
  })
  return (JSON.parse(body.toString()) as { access_token: string }).access_token
}

/** Browsers that keep their connection, to each listener that speaks HTTP. */
async function keepAlive(gateway: Gateway, held: AsyncDisposableStack): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 20 })
  held.defer(() => agent.destroy())
  const urls = [`${gateway.addresses.admin}/readyz`, `${gateway.addresses.auth}/device/edge/auth/login`]
  for (const url of urls.flatMap((one) => Array.from({ length: 10 }, () => one)))
    await new Promise((resolve, reject) => {
      get(url, { agent }, (answer) => answer.resume().once('end', resolve)).once('error', reject)
    })
}

function handshake(dir: string, path: string, token: string, held: AsyncDisposableStack): Socket {
  const socket = connect(`${dir}/run/proxy.sock`).on('error', () => {})
  held.defer(() => void socket.destroy())
  const headers = [
    ...['Host: box', 'Connection: Upgrade', 'Upgrade: websocket'],
    `Cookie: access_token=${token}`,
  ]
  socket.write(`GET ${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`)
  return socket
}

/** One that is open, and one that the app has not yet answered. */
async function openWebSockets(gateway: Gateway, dir: string, held: AsyncDisposableStack): Promise<void> {
  const password = 'correct horse battery'
  await gateway.operate('user.add', { name: 'ann', roles: ['Operator'], password })
  const token = await signIn(gateway, 'ann', password)
  const silent = await startDead(held)
  const echo = await startEcho(held)
  for (const [name, upstream] of [
    ['press', echo.url],
    ['saw', `http://127.0.0.1:${silent.port}`],
  ]) {
    if (name === 'saw') await gateway.operate('app.add', { name, version: '1' })
    await gateway.operate('app.set', { name, path: `/${name}/`, upstream })
  }
  const [answer] = (await once(handshake(dir, '/press/live', token, held), 'data')) as [Buffer]
  expect(answer.toString()).toContain(' 101 ')
  handshake(dir, '/saw/live', token, held)
  await eventually('the silent app is asked', silent.connected)
}

/** The grace that systemd gives; after it there would be kill -9. */
async function graceMs(): Promise<number> {
  const unit = await readFile(new URL('../systemd/edgeward.service', import.meta.url), 'utf8')
  return Number(/^TimeoutStopSec=(\d+)s$/m.exec(unit)?.[1]) * 1_000
}

/** With kill -9 after the grace. */
async function stopAsSystemdDoes(gateway: Gateway): Promise<{ end: unknown[]; tookMs: number }> {
  const startedAt = systemClock.monotonic()
  const exited = once(gateway.process, 'exit')
  const impatient = new AbortController()
  gateway.process.kill('SIGTERM')
  systemClock.sleep(await graceMs(), impatient.signal).then(
    () => gateway.process.kill('SIGKILL'),
    () => {}, // it has ended in time
  )
  const end = await exited
  impatient.abort()
  return { end, tookMs: Math.round(systemClock.monotonic() - startedAt) }
}

test('a daemon that is busy with everything stops in the time that the unit gives it, and keeps all it took', async () => {
  await using dir = await tempDir()
  await using held = new AsyncDisposableStack()
  const box = `${dir.path}/box`
  const hub = held.use(await startHub(`${dir.path}/hub`))
  await hub.operate('init')
  await mkdir(`${box}/sources.d`, { recursive: true, mode: 0o700 })
  const device = await startDead(held)
  await writeFile(`${box}/sources.d/dead.toml`, deadSource(device.port), { mode: 0o600 })
  const gateway = held.use(await startGateway(box))
  const app = await joinPlant(gateway, hub, await createAgent(hub, 'box', 'SHARED_SECRET'))
  await hub.stop()

  await openWebSockets(gateway, box, held)
  await keepAlive(gateway, held)

  await eventually('the dead device is asked', device.connected)
  const clients = await Promise.all(
    Array.from({ length: 10 }, () =>
      connectAsync(gateway.addresses.mqtt, {
        ...{ username: app.id, password: app.secret, reconnectPeriod: 0 },
      }),
    ),
  )
  for (const client of clients) {
    client.on('error', () => {})
    held.defer(() => void client.end(true))
  }
  let acknowledged = 0
  let isEnding = false
  const publishing = clients.map(async (client) => {
    for (let n = 0; !isEnding; n++) {
      await client.publishAsync('apps/press/m', JSON.stringify({ n, x: n / 4 }), { qos: 1 })
      acknowledged++
    }
  })
  const over = Promise.allSettled(publishing)
  await eventually('readings are taken', async () => acknowledged > 200)

  const { end, tookMs } = await stopAsSystemdDoes(gateway)
  isEnding = true
  for (const client of clients) client.end(true)
  await over
  expect(end, 'no signal was needed').toEqual([0, null])
  process.stderr.write(`stopped in ${tookMs} ms with ${acknowledged} messages acknowledged\n`)

  await using again = await startGateway(box)
  const { outbox } = await agentStatus(again)
  expect(outbox.readings).toBeGreaterThanOrEqual(2 * acknowledged)
}, 120_000)
