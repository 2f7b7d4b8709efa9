import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { issue } from '../certs/test-authority.ts'
import {
  agentStatus,
  createAgent,
  eventually,
  freePort,
  type Gateway,
  type Hub,
  joinPlant,
  startGateway,
  startHub,
  tempDir,
} from './harness.ts'
import { describeWith, findProgram } from './peers.ts'

/** A program that listens on `port` when this resolves. */
async function startPeer(program: string, args: string[], port: number): Promise<AsyncDisposable> {
  const child = spawn(findProgram(program) as string, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const peer = { [Symbol.asyncDispose]: () => stop(child) }
  try {
    await eventually(`${program} listens`, () => isOpen(port))
    return peer
  } catch (error) {
    await stop(child)
    throw error
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill()
  await once(child, 'exit')
}

function isOpen(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect(port, '127.0.0.1')
  socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
  return promise.finally(() => socket.destroy())
}

/** The hub's authority, and a certificate for this machine; loopback addresses would bypass a proxy. */
async function makeHubTls(dir: string, name: string) {
  const root = await issue({ name, ca: true })
  const server = await issue({ name: 'hub', issuer: root, hosts: [hostname(), 'localhost', '127.0.0.1'] })
  const files = { ca: join(dir, `${name}.ca`), cert: join(dir, `${name}.pem`), key: join(dir, `${name}.key`) }
  await writeFile(files.ca, root.certificate.toString())
  await writeFile(files.cert, server.chain)
  await writeFile(files.key, server.keyPem)
  return files
}

async function startTlsHub(dir: string, env: Record<string, string>): Promise<Hub> {
  const { ca, cert, key } = await makeHubTls(dir, 'hub-authority')
  const hub = await startHub(join(dir, 'hub'), {
    EDGEWARD_HUB_TLS_CERT: cert,
    EDGEWARD_HUB_TLS_KEY: key,
    EDGEWARD_HUB_TLS_CA: ca,
    ...env,
  })
  await hub.operate('init')
  return hub
}

describeWith(['tinyproxy'], 'behind a corporate proxy', () => {
  test('a box onboards and delivers by CONNECT, and says what is wrong with the proxy otherwise', async () => {
    await using dir = await tempDir()
    const [http, mqtt, port] = [await freePort(), await freePort(), await freePort()]
    await using hub = await startTlsHub(dir.path, {
      EDGEWARD_HUB_HTTP: `0.0.0.0:${http}`,
      EDGEWARD_HUB_MQTT: `0.0.0.0:${mqtt}`,
      EDGEWARD_HUB_PUBLIC_URL: `https://${hostname()}:${http}`,
    })
    const agent = await createAgent(hub, 'box')
    const credentials = join(dir.path, 'proxy-credentials')
    const env = {
      EDGEWARD_PROXY_URL: `http://127.0.0.1:${port}`,
      EDGEWARD_PROXY_CREDENTIALS_FILE: credentials,
    }
    const onboardingFails = async (env: Record<string, string>, pattern: RegExp) => {
      await using gateway = await startGateway(join(dir.path, 'box'), env)
      await expect(gateway.operate('identity.onboard', { boarding: agent.boarding })).rejects.toMatchObject({
        exitCode: 5,
        message: expect.stringMatching(pattern),
      })
    }

    await writeFile(credentials, 'box:wrong\n')
    await onboardingFails(env, /\(proxy\): .*cannot be reached \(connect\): .*ECONNREFUSED/)
    const log = join(dir.path, 'tinyproxy.log')
    const settings = [
      `Port ${port}`,
      'Listen 127.0.0.1',
      'Allow 127.0.0.1',
      'Timeout 600',
      'MaxClients 20',
      `LogFile "${log}"`,
      'BasicAuth box secret',
    ]
    await writeFile(join(dir.path, 'tinyproxy.conf'), `${settings.join('\n')}\n`)
    await using _proxy = await startPeer('tinyproxy', ['-d', '-c', join(dir.path, 'tinyproxy.conf')], port)
    await onboardingFails(env, /refused our credentials \(status 40[17]\)/)
    await onboardingFails({ EDGEWARD_PROXY_URL: env.EDGEWARD_PROXY_URL }, /wants credentials \(status 407\)/)

    await writeFile(credentials, 'box:secret\n')
    await using gateway = await startGateway(join(dir.path, 'box'), env)
    await joinPlant(gateway, hub, agent)
    const connects = await readFile(log, 'utf8')
    for (const asked of [http, mqtt]) expect(connects).toContain(`CONNECT ${hostname()}:${asked}`)
  })
})

describeWith(['nginx'], 'behind a proxy that inspects TLS', () => {
  test('a box names the authority that it does not know, and onboards once it is told to trust it', async () => {
    await using dir = await tempDir()
    const [http, port] = [await freePort(), await freePort()]
    await using hub = await startTlsHub(dir.path, {
      EDGEWARD_HUB_HTTP: `127.0.0.1:${http}`,
      EDGEWARD_HUB_PUBLIC_URL: `https://localhost:${port}`,
    })
    const inspector = await makeHubTls(dir.path, 'inspector')
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (kind) => `${kind}_temp_path ${join(dir.path, kind)};`,
    )
    const site = `
      daemon off; pid ${join(dir.path, 'nginx.pid')}; error_log stderr crit; events {}
      ${process.getuid?.() === 0 ? 'user root;' : ''}
      http {
        access_log off; ${temporary.join(' ')}
        server {
          listen 127.0.0.1:${port} ssl;
          ssl_certificate ${inspector.cert}; ssl_certificate_key ${inspector.key};
          location / { proxy_pass https://127.0.0.1:${http}; proxy_set_header Host localhost:${port}; }
        }
      }`
    await writeFile(join(dir.path, 'nginx.conf'), site)
    await using _inspector = await startPeer('nginx', ['-c', join(dir.path, 'nginx.conf')], port)
    const agent = await createAgent(hub, 'box')
    const onboard = (gateway: Gateway) => gateway.operate('identity.onboard', { boarding: agent.boarding })

    await using ignorant = await startGateway(join(dir.path, 'ignorant'))
    await expect(onboard(ignorant)).rejects.toMatchObject({
      message: expect.stringMatching(/\(tls\): the certificate of CN=hub, issued by CN=inspector,/),
      cure: expect.stringMatching(/CN=inspector.*proxy\.ca_file/),
    })
    await using told = await startGateway(join(dir.path, 'told'), { EDGEWARD_PROXY_CA_FILE: inspector.ca })
    await onboard(told)
    expect((await agentStatus(told)).identity.state).toBe('onboarded')
  })
})

/** Before the hub: lets it be heard, or answers in its place. */
async function startFront(upstream: number) {
  const sockets = new Set<Socket>()
  let answer: string | undefined
  let mute = false
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
    if (mute) return
    const instead = answer
    if (instead !== undefined) return socket.once('data', () => socket.end(instead))
    const onward = connect(upstream, '127.0.0.1').on('error', () => socket.destroy())
    return sockets.add(onward.pipe(socket).pipe(onward))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    say: (text: string | undefined) => {
      answer = text
      mute = false
    },
    hush: () => {
      mute = true
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

const head = (status: string, ...headers: string[]) =>
  `HTTP/1.1 ${[status, 'connection: close', ...headers].join('\r\n')}\r\n\r\n`

test('whatever stands in for an answer is named, and the box onboards by itself when the hub is back', async () => {
  await using dir = await tempDir()
  const http = await freePort()
  await using front = await startFront(http)
  await using hub = await startHub(join(dir.path, 'hub'), {
    EDGEWARD_HUB_HTTP: `127.0.0.1:${http}`,
    EDGEWARD_HUB_PUBLIC_URL: front.url,
  })
  await hub.operate('init')
  const agent = await createAgent(hub, 'box')
  await using gateway = await startGateway(join(dir.path, 'box'), {
    EDGEWARD_PROXY_TIMEOUT: '500ms',
    EDGEWARD_AGENT_RETRY_INITIAL: '100ms',
  })
  const answers: [answer: string | undefined, named: RegExp][] = [
    [head('503 Unavailable'), /status 503/],
    ['220 mail.example ESMTP\r\n', /\(answer\): Parse Error/],
    [`${head('200 OK', 'content-length: 500')}{"client_id":`, /\(answer\)/],
    [head('200 OK'), /not JSON/],
    ['', /\(answer\)/],
    [undefined, /\(timeout\): no answer within 500 ms/],
    [head('429 Slow down', 'retry-after: 3'), /status 429/],
  ]
  for (const [answer, named] of answers) {
    if (answer === undefined) front.hush()
    else front.say(answer)
    await expect(gateway.operate('identity.onboard', { boarding: agent.boarding })).rejects.toMatchObject({
      exitCode: 5,
      message: expect.stringMatching(named),
    })
  }
  await eventually('the daemon was told to wait', async () =>
    /status 429/.test((await agentStatus(gateway)).identity.reason ?? ''),
  )
  front.say(undefined)
  await eventually(
    'onboarded by itself',
    async () => (await agentStatus(gateway)).identity.state === 'onboarded',
  )
})
