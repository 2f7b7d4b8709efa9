import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import {
  createServer as createProxy,
  type IncomingHttpHeaders,
  type RequestListener,
  type Server,
} from 'node:http'
import { createServer, type ServerOptions } from 'node:https'
import {
  type AddressInfo,
  connect,
  createServer as createTcp,
  type Socket,
  type Server as TcpServer,
} from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type Issued, issue } from '../../certs/test-authority.ts'
import { Invalid } from '../errors.ts'
import { type NetworkConfig, openNetwork } from './network.ts'
import { isDateError } from './unreachable.ts'

const day = 86_400_000
const now = () => Date.now()

let root: Issued
let stranger: Issued
let dir: string
beforeAll(async () => {
  root = await issue({ name: 'plant CA', ca: true, startDays: -900, endDays: 900 })
  stranger = await issue({ name: 'stranger CA', ca: true, startDays: -900, endDays: 900 })
  dir = await mkdtemp(join(tmpdir(), 'network-'))
})
afterAll(() => rm(dir, { recursive: true }))

const hosts = ['localhost', 'hub.example']
const valid = () => issue({ name: 'hub', issuer: root, hosts })
const ended = (issuer = root) => issue({ name: 'hub', issuer, hosts, startDays: -20, endDays: -10 })
/** While `ended` was valid. */
const then = () => now() - 15 * day

/** Serves on any port of this machine until the test ends. */
async function listening(server: Server | TcpServer): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket.on('error', () => {}))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

/** A server over TLS that counts what it is asked. */
async function serve(issued: Issued, options: ServerOptions = {}, answer?: RequestListener) {
  const requests: IncomingHttpHeaders[] = []
  const server = createServer({ cert: issued.chain, key: issued.keyPem, ...options }, (request, response) => {
    requests.push(request.headers)
    if (answer) answer(request, response)
    else response.writeHead(200, { 'server-time': Math.round(then() / 1000) }).end('hello')
  })
  const port = await listening(server)
  return { url: `https://localhost:${port}/`, port, requests }
}

const pem = (issued: Issued) => issued.certificate.toString()
const get = (url: string, at?: number, ca = pem(root)) =>
  openNetwork({ trustedNow: () => at }).http({ method: 'GET', url, ca })

test('a box whose clock is wrong reaches the hub at the time it was told', async () => {
  const hub = await serve(await ended())
  const failure = await get(hub.url).catch((error) => error)
  expect(failure).toMatchObject({ step: 'tls', message: expect.stringContaining('expired on') })
  expect(isDateError(failure)).toBe(true)
  const told = await openNetwork().readServerTime(hub.url, pem(root))
  expect(Math.abs(told - then())).toBeLessThan(2 * day)
  expect((await get(hub.url, told)).status).toBe(200)
})

test('a certificate that has not begun is a date error too', async () => {
  const hub = await serve(await issue({ name: 'hub', issuer: root, hosts, startDays: 5 }))
  const failure = await get(hub.url).catch((error) => error)
  expect(isDateError(failure)).toBe(true)
  expect(failure.message).toContain('starts on')
  expect((await get(hub.url, now() + 6 * day)).status).toBe(200)
})

test('at a corrected time an unknown authority is refused, before a byte is sent', async () => {
  const hub = await serve(await ended(stranger))
  await expect(get(hub.url, then())).rejects.toMatchObject({
    step: 'tls',
    cure: expect.stringMatching(/CN=stranger CA.*proxy\.ca_file/),
  })
  expect(hub.requests).toEqual([])
})

test('at a corrected time another host name is refused, before a byte is sent', async () => {
  const hub = await serve(await issue({ name: 'hub', issuer: root, hosts: ['other.example'], endDays: -0.5 }))
  await expect(get(hub.url, now() - 0.7 * day)).rejects.toMatchObject({
    message: expect.stringContaining('not for localhost'),
  })
  expect(hub.requests).toEqual([])
})

test('a certificate that is expired at the corrected time is refused, even if the own clock takes it', async () => {
  const hub = await serve(await valid())
  const failure = await get(hub.url, now() + 31 * day).catch((error) => error)
  expect(failure.message).toContain('expired on')
  expect(isDateError(failure)).toBe(true)
  expect(hub.requests).toEqual([])
})

test('at a corrected time a server certificate used as an authority is refused', async () => {
  const forged = await issue({ name: 'forged', issuer: await ended(), hosts, startDays: -20, endDays: -10 })
  const hub = await serve(forged)
  await expect(get(hub.url, then())).rejects.toMatchObject({
    cause: { fault: 'no-authority', subject: 'CN=hub' },
  })
  expect(hub.requests).toEqual([])
})

test('the time of a server is read from nobody but the hub, and without credentials', async () => {
  const network = openNetwork()
  const elsewhere = await issue({
    name: 'hub',
    issuer: root,
    hosts: ['other.example'],
    startDays: -9,
    endDays: -8,
  })
  const forged = await issue({ name: 'forged', issuer: await ended(), hosts, startDays: -20, endDays: -10 })
  const own = await issue({ name: 'hub', hosts, startDays: -20, endDays: -10 })
  for (const impostor of [await ended(stranger), elsewhere, forged, own]) {
    const server = await serve(impostor)
    await expect(network.readServerTime(server.url, pem(root))).rejects.toMatchObject({ step: 'tls' })
    expect(server.requests).toEqual([])
  }
  const hub = await serve(await ended())
  await network.readServerTime(hub.url, pem(root))
  expect(Object.keys(hub.requests[0] ?? {}).sort()).toEqual(['accept-encoding', 'connection', 'host'])
})

test('a server without a time of its own is read by its date', async () => {
  const hub = await serve(await ended(), {}, (_request, response) => response.writeHead(404).end())
  expect(Math.abs((await openNetwork().readServerTime(hub.url, pem(root))) - now())).toBeLessThan(day)
  const mute = await serve(await ended(), {}, (_request, response) => {
    response.sendDate = false
    response.end()
  })
  await expect(openNetwork().readServerTime(mute.url, pem(root))).rejects.toMatchObject({ step: 'answer' })
})

test('without an authority of its own a hub is measured by the usual ones', async () => {
  const hub = await serve(await valid())
  for (const at of [undefined, now()])
    await expect(
      openNetwork({ trustedNow: () => at }).http({ method: 'GET', url: hub.url }),
    ).rejects.toMatchObject({ cause: { fault: 'untrusted' } })
})

test('what only OpenSSL refuses is refused, at a corrected time too', async () => {
  const last = await issue({ name: 'last authority', ca: true, pathLength: 0 })
  const beyond = await issue({ name: 'beyond', ca: true, issuer: last })
  const hub = await serve(await issue({ name: 'hub', issuer: beyond, hosts }))
  for (const at of [undefined, now() + day])
    await expect(get(hub.url, at, pem(last))).rejects.toMatchObject({
      message: expect.stringContaining('PATH_LENGTH_EXCEEDED'),
      cause: { fault: 'refused' },
    })
  expect(hub.requests).toEqual([])
})

test('an expired certificate of an unknown authority is no matter of the date', async () => {
  const hub = await serve(await ended(stranger))
  const failure = await get(hub.url).catch((error) => error)
  expect(isDateError(failure)).toBe(false)
  expect(failure.cause).toMatchObject({ fault: 'untrusted', subject: 'CN=hub', issuer: 'CN=stranger CA' })
})

test('a further authority serves for all connections, and the box shows its certificate', async () => {
  const box = await issue({ name: 'box-7', issuer: root, clientOnly: true })
  const files = {
    caFile: join(dir, 'ca'),
    clientCertFile: join(dir, 'cert'),
    clientKeyFile: join(dir, 'key'),
  }
  await writeFile(files.caFile, pem(root))
  await writeFile(files.clientCertFile, box.chain)
  await writeFile(files.clientKeyFile, box.keyPem)
  const hub = await serve(await valid(), { requestCert: true, ca: pem(root) })
  const picky = { method: 'GET', url: hub.url } as const
  expect((await openNetwork(undefined, files).http(picky)).status).toBe(200)
  await expect(openNetwork(undefined, { caFile: files.caFile }).http(picky)).rejects.toMatchObject({
    code: 'unreachable',
  })
})

/** A proxy whose DNS knows one machine; tells what it was asked. */
async function proxy(port: number, options: { credentials?: string; status?: number; server?: Server } = {}) {
  const asked: string[] = []
  const { server = createProxy() } = options
  server.on('connect', (request, socket: Socket, head) => {
    asked.push(request.url ?? '')
    const wanted = options.credentials && `Basic ${Buffer.from(options.credentials).toString('base64')}`
    const status = request.headers['proxy-authorization'] === wanted ? (options.status ?? 200) : 407
    socket.write(`HTTP/1.1 ${status} Said\r\n\r\n`)
    if (status !== 200) return socket.end()
    const onward = connect(port, '127.0.0.1').on('error', () => socket.destroy())
    onward.write(head)
    onward.pipe(socket).pipe(onward)
  })
  return { proxyUrl: `http://127.0.0.1:${await listening(server)}`, asked }
}

const through = (config: NetworkConfig) =>
  openNetwork(undefined, config).http({ method: 'GET', url: 'https://hub.example:8443/x', ca: pem(root) })

test('a proxy is asked for the hub by name, with credentials from their file', async () => {
  const hub = await serve(await valid())
  const { asked, proxyUrl } = await proxy(hub.port, { credentials: 'box:se:cret' })
  const credentialsFile = join(dir, 'credentials')
  await writeFile(credentialsFile, 'box:se:cret\n')
  expect((await through({ proxyUrl, credentialsFile })).body.toString()).toBe('hello')
  expect(asked).toEqual(['hub.example:8443'])
  await writeFile(credentialsFile, 'box:wrong')
  await expect(through({ proxyUrl, credentialsFile })).rejects.toMatchObject({
    step: 'proxy',
    message: expect.stringContaining('refused our credentials (status 407)'),
    cure: expect.stringContaining('credentials_file'),
  })
  await expect(through({ proxyUrl })).rejects.toThrow('wants credentials (status 407)')
  await get(hub.url) // loopback: the proxy is not asked
  expect(asked).toHaveLength(3)
})

test('a connection through a proxy outlives the time that its making may take', async () => {
  const hub = await serve(await valid())
  const { proxyUrl } = await proxy(hub.port)
  const limits = { connectTimeoutMs: 300 }
  const { connect: reach } = openNetwork(undefined, { proxyUrl, ...limits })
  const socket = await reach(new URL('https://hub.example'), { ca: pem(root) })
  await new Promise((resolve) => setTimeout(resolve, limits.connectTimeoutMs + 50))
  expect(socket.destroyed).toBe(false)
  socket.write('GET / HTTP/1.0\r\n\r\n')
  const [answer] = await once(socket, 'data')
  expect(String(answer)).toContain('200 OK')
  socket.destroy()
})

test('a proxy that is spoken to over TLS proves who it is', async () => {
  const hub = await serve(await valid())
  const caFile = join(dir, 'root')
  await writeFile(caFile, pem(root))
  for (const [issuer, outcome] of [
    [root, 200],
    [stranger, 'proxy'],
  ] as const) {
    const { chain, keyPem } = await issue({ name: 'proxy', issuer, hosts: ['127.0.0.1'] })
    const { proxyUrl } = await proxy(hub.port, { server: createServer({ cert: chain, key: keyPem }) })
    const answer = through({ caFile, proxyUrl: proxyUrl.replace('http:', 'https:') })
    expect(await answer.then(({ status }) => status).catch(({ step }) => step)).toBe(outcome)
  }
})

test.each([
  [403, 'does not allow this target'],
  [502, 'could not connect'],
])('a proxy that answers %i is named with its reason', async (status, reason) => {
  const { proxyUrl } = await proxy(1, { status })
  await expect(through({ proxyUrl })).rejects.toMatchObject({
    step: 'proxy',
    message: expect.stringContaining(`${proxyUrl} ${reason} (status ${status})`),
  })
})

test('a proxy that is down, unknown, speaks otherwise or hangs up is the step that failed', async () => {
  const garbage = await listening(createTcp((socket) => void socket.end('220 mail.example ESMTP\r\n')))
  const rude = await listening(createTcp((socket) => void socket.destroy()))
  const gone = createTcp()
  const unused = await listening(gone)
  gone.close()
  for (const host of [
    `127.0.0.1:${garbage}`,
    `127.0.0.1:${rude}`,
    `127.0.0.1:${unused}`,
    'no-such-host.invalid',
  ])
    await expect(through({ proxyUrl: `http://${host}` }), host).rejects.toMatchObject({ step: 'proxy' })
})

test('who is silent on the way is named when the time is over', async () => {
  const silent = await listening(createTcp(() => {}))
  const config = { connectTimeoutMs: 50 }
  const { http, connect: reach } = openNetwork(undefined, config)
  await expect(http({ method: 'GET', url: `https://127.0.0.1:${silent}/` })).rejects.toMatchObject({
    step: 'timeout',
    message: expect.stringContaining('no connection within 50 ms; it was waiting for the TLS handshake'),
  })
  await expect(through({ ...config, proxyUrl: `http://127.0.0.1:${silent}` })).rejects.toThrow(
    'waiting for the proxy',
  )
  const ready = await reach(new URL(`mqtt://127.0.0.1:${silent}`))
  ready.destroy()
})

test('what does not speak TLS is told from a certificate that is not trusted', async () => {
  const plain = await listening(createProxy((_request, response) => void response.end()))
  await expect(get(`https://127.0.0.1:${plain}/`)).rejects.toMatchObject({
    step: 'tls',
    cure: expect.stringContaining('speaks TLS'),
  })
})

test('a setting that cannot be used is named', async () => {
  const file = join(dir, 'nonsense')
  await writeFile(file, 'nonsense')
  for (const [config, name] of [
    [{ caFile: join(dir, 'absent') }, 'proxy.ca_file'],
    [{ caFile: file }, 'proxy.ca_file'],
    [{ clientCertFile: file }, 'proxy.client_key'],
    [{ proxyUrl: 'socks://proxy' }, 'proxy.url'],
    [{ proxyUrl: 'http://user:pw@proxy' }, 'proxy.url'],
    [{ proxyUrl: 'http://proxy', credentialsFile: file }, 'proxy.credentials_file'],
    [{ noProxy: ['10.0.0.0/99'] }, 'proxy.no_proxy'],
  ] as const)
    expect(() => openNetwork(undefined, config), name).toThrow(
      expect.objectContaining({ constructor: Invalid, message: expect.stringContaining(name) }),
    )
})
