import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openCerts } from '../certs/index.ts'
import { systemClock } from '../core/clock.ts'
import { createLog } from '../core/log.ts'
import { systemRandom } from '../core/random.ts'
import { createBrowser } from './browser.ts'
import { startEdgeAuth } from './edge-auth.ts'
import { describeWith, findProgram } from './peers.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

describeWith(['nginx'], 'behind nginx, as we ship its configuration,', () => {
  const held = new AsyncDisposableStack()
  let edge: Awaited<ReturnType<typeof startEdgeAuth>>
  let throughApp: string
  let throughEcho: string
  let ca: string

  beforeAll(async () => {
    edge = held.use(await startEdgeAuth())
    await edge.addUser('ann', 'Operator')
    ca = await makeCertificate(edge.dir)
    throughApp = await startNginx(held, edge.dir, 'app', await startExampleApp(held, edge))
    throughEcho = await startNginx(held, edge.dir, 'echo', await startEcho(held))
  })
  afterAll(() => held.disposeAsync())

  test('one signs in on the way to an app, is greeted there, and signs out', async () => {
    const browser = createBrowser(throughApp, ca)
    const turnedAway = await browser.get('/example/page?tab=2&x=1')
    expect(turnedAway.status).toBe(302)
    expect(turnedAway.headers.location).toBe('/device/edge/auth/login?rd=%2Fexample%2Fpage%3Ftab%3D2%26x%3D1')

    const landed = await browser.signIn(turnedAway.headers.location as string)
    expect(landed.headers.location).toBe('/example/page?tab=2&x=1')
    const page = await browser.get(landed.headers.location as string)
    expect(page.text).toBe('Hello ann, you are Operator. This is /example/page?tab=2&x=1\n')
    expect((await browser.get('/example/settings')).status).toBe(403)

    const token = browser.cookies.get('access_token') as string
    expect(await edge.introspect(token)).toMatchObject({ active: true, sub: 'ann' })
    const left = await browser.post('/device/edge/auth/logout', {})
    expect([left.status, left.headers.location]).toEqual([303, '/device/edge/auth/login'])
    expect(browser.cookies.has('access_token')).toBe(false)
    expect(await edge.introspect(token)).toEqual({ active: false })
    expect((await browser.get('/example/')).status).toBe(302)
    browser.cookies.set('access_token', token) // kept by a thief
    expect((await browser.get('/example/')).status).toBe(302)
  })

  test('an app learns who it is from us, whatever the client says', async () => {
    const browser = createBrowser(throughEcho, ca)
    await browser.signIn('/device/edge/auth/login')
    const lies = {
      'X-Auth-User': 'root',
      'x-auth-roles': 'Admin',
      X_Auth_User: 'root',
      'X.Auth.User': 'root',
      'X-Auth-Redirect': 'https://e.example',
      'X-Forwarded-For': '127.0.0.1',
      'X-Forwarded-Uri': '/public',
      'X-Original-URI': '/public',
      Forwarded: 'for=127.0.0.1',
    }
    const headers = JSON.parse((await browser.get('/example/?a=1', lies)).text) as IncomingHttpHeaders
    const said = Object.entries(headers).filter(([name]) => /auth|forwarded|original/i.test(name))
    expect(Object.fromEntries(said)).toEqual({
      'x-auth-user': 'ann',
      'x-auth-roles': 'Operator',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': new URL(throughEcho).host,
      'x-forwarded-proto': 'https',
    })
  })

  test('who is not signed in does not get in by naming another target or user', async () => {
    const stranger = createBrowser(throughEcho, ca)
    const lies = { 'X-Original-URI': '/device/edge/auth/login', 'X-Forwarded-Uri': '/', 'X-Auth-User': 'ann' }
    const answer = await stranger.get('/example/', lies)
    expect([answer.status, answer.headers.location]).toEqual([
      302,
      '/device/edge/auth/login?rd=%2Fexample%2F',
    ])
    expect((await stranger.get('/edgeward-verify')).status).toBe(404)
  })

  test.each([
    '/example/../example/',
    '/example/%2e%2e/example/x',
    '/example//x',
    '/example/x;y=1',
    '/example/%2fx',
  ])('the two-faced target %s reaches no app, even for who is signed in', async (target) => {
    const browser = createBrowser(throughEcho, ca)
    await browser.signIn('/device/edge/auth/login')
    expect((await browser.get(target)).status).toBe(403)
  })

  test('a WebSocket opens for who is signed in only', async () => {
    const browser = createBrowser(throughEcho, ca)
    expect(await browser.upgrade('/example/live')).toBe(302)
    await browser.signIn('/device/edge/auth/login')
    expect(await browser.upgrade('/example/live')).toBe(101)
  })
})

async function makeCertificate(dir: string): Promise<string> {
  const deps = { clock: systemClock, random: systemRandom, log: createLog('silent') }
  const { ca } = await openCerts(deps, { dir, names: ['127.0.0.1'], deviceName: 'box' })
  return ca
}

/** The shipped file with other paths and ports; returns where it serves. */
async function startNginx(
  held: AsyncDisposableStack,
  dir: string,
  name: string,
  app: string,
): Promise<string> {
  const [http, https] = [await freePort(), await freePort()]
  const changes: [RegExp, string][] = [
    [/unix:\/run\/edgeward/g, `unix:${dir}`],
    [/\/var\/lib\/edgeward\/pki/g, dir],
    [/server 127\.0\.0\.1:9000;/g, `server ${new URL(app).host};`],
    [/listen \[::\]:.*/g, ''],
    [/listen 80;/g, `listen 127.0.0.1:${http};`],
    [/listen 443 /g, `listen 127.0.0.1:${https} `],
  ]
  let site = await readFile(join(root, 'packaging/proxy/nginx.conf'), 'utf8')
  for (const [shipped, ours] of changes) {
    expect(site).toMatch(shipped)
    site = site.replace(shipped, ours)
  }
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(dir, `${name}-${kind}`)};`,
  )
  const main = `
    daemon off;
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    worker_processes 1;
    pid ${join(dir, `${name}.pid`)};
    error_log stderr warn;
    events {}
    http { access_log off; ${temporary.join(' ')} include ${join(dir, `${name}-site.conf`)}; }`
  await writeFile(join(dir, `${name}-site.conf`), site)
  await writeFile(join(dir, `${name}.conf`), main)
  const program = findProgram('nginx') as string
  const child = spawn(program, ['-c', join(dir, `${name}.conf`)], { stdio: ['ignore', 'ignore', 'inherit'] })
  held.defer(() => stop(child))
  await untilOpen(https)
  return `https://127.0.0.1:${https}`
}

async function startExampleApp(
  held: AsyncDisposableStack,
  edge: Awaited<ReturnType<typeof startEdgeAuth>>,
): Promise<string> {
  const credentials = join(edge.dir, 'credentials.json')
  await writeFile(
    credentials,
    JSON.stringify(await edge.run('app.add', { name: 'example', version: '1.0.0' })),
  )
  const child = spawn(process.execPath, [join(root, 'examples/edge-app/app.mjs')], {
    env: {
      PORT: '0',
      CREDENTIALS: credentials,
      INTROSPECT_URL: `${edge.url}/device/edge/auth/oauth2/introspect`,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  held.defer(() => stop(child))
  const [line] = await once(child.stdout, 'data')
  return String(line).trim()
}

/** An app that says what headers reached it. */
async function startEcho(held: AsyncDisposableStack): Promise<string> {
  const server: Server = createServer((incoming, answer) => answer.end(JSON.stringify(incoming.headers)))
  server.on('upgrade', (_incoming, socket) => {
    socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  held.defer(() => void server.close().closeAllConnections())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function untilOpen(port: number): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      socket.destroy()
      return
    } catch (error) {
      if (attempt > 100) throw error
      await delay(50)
    }
  }
}

async function stop(child: ReturnType<typeof spawn>): Promise<void> {
  if (child.exitCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}
