import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startEdgeAuth } from '../../test/edge-auth.ts'

const held = new AsyncDisposableStack()
let edge: Awaited<ReturnType<typeof startEdgeAuth>>
let token: string
let seen: string[][]
beforeAll(async () => {
  edge = held.use(await startEdgeAuth())
  await edge.addUser('ann', 'Operator')
  token = await edge.signIn('ann')
  const app = createServer((_request, answer) => answer.writeHead(418).end('no'))
  app.on('upgrade', ({ rawHeaders }, socket) => {
    seen.push(rawHeaders)
    socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello')
  })
  app.listen(0, '127.0.0.1')
  await once(app, 'listening')
  held.defer(() => void app.close().closeAllConnections())
  const upstream = `http://127.0.0.1:${(app.address() as AddressInfo).port}`
  for (const [name, at] of [
    ['press', upstream],
    ['away', 'http://127.0.0.1:9'],
    ['nowhere', null],
  ]) {
    await edge.run('app.add', { name, version: '1' })
    await edge.run('app.set', {
      name,
      path: `/${name}/`,
      upstream: at,
      ...(name === 'press' ? { methods: ['GET'] } : {}),
    })
  }
})
afterAll(() => held.disposeAsync())

async function handshake(line: string, more: string[] = [], via: 'proxy' | 'tcp' = 'proxy'): Promise<string> {
  seen = []
  const { port } = new URL(edge.url)
  const socket = via === 'proxy' ? connect(join(edge.dir, 'proxy.sock')) : connect(Number(port), '127.0.0.1')
  const headers = [
    'Host: box',
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Cookie: a=1; access_token=${token}`,
    ...more,
  ]
  socket.end(`${line} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`)
  let text = ''
  for await (const chunk of socket) text += chunk
  return text
}

test('a handshake reaches the app without what is ours to say, and without a body to wait for', async () => {
  const lies = [
    'X-Auth-User: root',
    'X_Auth.Roles: Admin',
    'X-Edgeward-Proxy: x',
    'Content-Length: 5',
    'Forwarded: for=x',
  ]
  expect(await handshake('GET /press/live', lies)).toMatch(/^HTTP\/1.1 101 .*hello$/s)
  const names = seen[0]?.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase())
  expect(names?.sort()).toEqual(['connection', 'cookie', 'host', 'upgrade', 'x-auth-roles', 'x-auth-user'])
  expect(seen[0]).toContain('ann')
})

test.each([
  ['POST /press/live', [], '400'],
  ['GET /press/live', ['Upgrade: h2c'], '400'],
  ['GET /press/../live', [], '403'],
  ['GET /nowhere/', [], '404'],
  ['GET /elsewhere/', [], '404'],
  ['GET /away/', [], '502'],
])('%s %j gets %s', async (line, more, status) => {
  expect(await handshake(line, more)).toContain(`HTTP/1.1 ${status} `)
  expect(seen).toEqual([])
})

test('nobody but the proxy opens one', async () => {
  expect(await handshake('GET /press/live', [], 'tcp')).not.toContain('101')
  expect(seen).toEqual([])
})
