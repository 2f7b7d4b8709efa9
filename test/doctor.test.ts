import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, readdir, rename, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openCerts } from '../certs/index.ts'
import { systemClock } from '../core/clock.ts'
import type { Diagnosis } from '../core/diagnosis.ts'
import { createLog } from '../core/log.ts'
import { systemRandom } from '../core/random.ts'
import type { BoardingConfiguration } from '../protocol/boarding.ts'
import { answerHttp, answerHttps, type Front, hang, leadTo, openFront, say } from './front.ts'
import {
  agentStatus,
  type CreatedAgent,
  createAgent,
  edgeward,
  eventually,
  freePort,
  type Gateway,
  type Hub,
  plant,
  startGateway,
  startHub,
  type TempDir,
  tempDir,
} from './harness.ts'
import { describeWith, findProgram } from './peers.ts'

/** Real boxes in front of real hubs; every address of the hub is a front that can be made to misbehave. */
interface Box {
  dir: string
  gateway: Gateway
  /** The hub's REST and MQTT addresses, as the box knows them. */
  rest: Front
  mqtt: Front
  hub: Hub
  agent: CreatedAgent
}

let dir: TempDir
const held = new AsyncDisposableStack()
let plain: Box
let secure: Box
let unboarded: { dir: string; gateway: Gateway }
let pairs: Awaited<ReturnType<typeof makePairs>>

const dayMs = 86_400_000

beforeAll(async () => {
  dir = held.use(await tempDir())
  pairs = await makePairs(dir.path)
  const { cert, key, ca } = pairs.files
  const tls = { EDGEWARD_HUB_TLS_CERT: cert, EDGEWARD_HUB_TLS_KEY: key, EDGEWARD_HUB_TLS_CA: ca }
  ;[plain, secure] = await Promise.all([startBox('plain', {}), startBox('secure', tls)])
  const empty = join(dir.path, 'unboarded')
  unboarded = { dir: empty, gateway: held.use(await startGateway(empty)) }
})
afterAll(async () => {
  await held.disposeAsync()
  const rows = told.map(({ fault, id, cause, seconds }) => `${seconds} s  ${fault}  →  ${id}: ${cause}`)
  process.stdout.write(`${told.length} injected faults, and what doctor named first:\n${rows.join('\n')}\n`)
})

/** Certificates of one authority: right, expired, for another host; and one of an authority nobody knows. */
async function makePairs(parent: string) {
  const own = join(parent, 'pki')
  const issue = async (at: string, now: number, addresses: string[]) => {
    const deps = { clock: { ...systemClock, now: () => now }, random: systemRandom, log: createLog('silent') }
    const network = () => ({ hostName: 'hub', addresses })
    return openCerts({ ...deps, network }, { dir: at, names: [], deviceName: 'hub' })
  }
  const now = systemClock.now()
  const expired = (await issue(own, now - 500 * dayMs, ['127.0.0.1'])).server
  const otherHost = (await issue(own, now, [])).server
  const { server, ca } = await issue(own, now, ['127.0.0.1'])
  const stranger = (await issue(join(parent, 'stranger'), now, ['127.0.0.1'])).server
  const files = { cert: join(own, 'hub.pem'), key: join(own, 'hub.key'), ca: join(own, 'authority.pem') }
  await writeFile(files.cert, server.cert)
  await writeFile(files.key, server.key, { mode: 0o600 })
  await writeFile(files.ca, ca)
  return { expired, otherHost, stranger, files }
}

async function startBox(name: string, hubEnv: Record<string, string>): Promise<Box> {
  const hub = held.use(await startHub(join(dir.path, `${name}-hub`), hubEnv))
  await hub.operate('init')
  const agent = await createAgent(hub, name)
  await hub.operate('agent.configure', { id: agent.id, configuration: plant('press') })
  const rest = held.use(await openFront(leadTo(hub.addresses.http)))
  const mqtt = held.use(await openFront(leadTo(hub.addresses.mqtt)))
  const { content } = agent.boarding
  content.baseUrl = `${new URL(content.baseUrl).protocol}//${rest.host}`
  content.mqtt = `${new URL(content.mqtt ?? '').protocol}//${mqtt.host}`
  const state = join(dir.path, name)
  const gateway = held.use(await startGateway(state))
  await gateway.operate('identity.onboard', { boarding: agent.boarding })
  const box = { dir: state, gateway, rest, mqtt, hub, agent }
  await connected(box)
  return box
}

const connected = ({ gateway }: Box) =>
  eventually('configured and connected', async () => {
    const { uplink, configuration } = await agentStatus(gateway)
    return uplink.state === 'connected' && configuration.configurationId !== undefined
  })

interface Told {
  fault: string
  id: string
  cause: string
  seconds: string
}
const told: Told[] = []

async function doctor(state: string, env: Record<string, string> = {}, args: string[] = []) {
  const start = systemClock.monotonic()
  const { code, stdout, stderr } = await edgeward(['doctor', '--json', '--state-dir', state, ...args], {
    env,
  })
  const seconds = ((systemClock.monotonic() - start) / 1000).toFixed(1)
  expect(stderr).toBe('')
  const { healthy, findings } = JSON.parse(stdout) as { healthy: boolean; findings: Diagnosis[] }
  expect(code).toBe(healthy ? 0 : 1)
  for (const { tookMs, id } of findings) expect(tookMs, id).toBeLessThan(10_000)
  return { healthy, findings, seconds }
}

/** The first finding must be this one, and say this. */
async function names(
  fault: string,
  expected: { id: string; says: RegExp; status?: Diagnosis['status'] },
  state: string,
  env: Record<string, string> = {},
  args: string[] = [],
): Promise<Diagnosis[]> {
  const { findings, seconds } = await doctor(state, env, args)
  const first = findings[0] as Diagnosis
  const failures = findings.filter(({ status }) => status === 'failed')
  expect(first, JSON.stringify(failures, null, 1)).toMatchObject({
    id: expected.id,
    status: expected.status ?? 'failed',
    cause: expect.stringMatching(expected.says),
    cure: expect.stringMatching(/\w/),
  })
  told.push({ fault, id: first.id, cause: first.cause.split('\n')[0] ?? '', seconds })
  return findings
}

test('a box that is well has nothing that failed, for people and for machines', async () => {
  for (const box of [plain, secure]) {
    const { healthy, findings } = await doctor(box.dir)
    expect(findings.filter(({ status }) => status === 'failed')).toEqual([])
    expect(healthy).toBe(true)
    for (const id of ['daemon', 'identity.accepted', 'hub.http', 'hub.mqtt', 'uplink'])
      expect(findings.find((finding) => finding.id === id)).toMatchObject({ id, status: 'ok' })
  }
  const { code, stdout } = await edgeward(['doctor', '--state-dir', plain.dir])
  expect(code).toBe(0)
  expect(stdout).toContain('nothing has failed')
})

/** Whatever the far side does, the box is told the truth and is well again afterwards. */
test.for<[fault: string, behaviour: Parameters<Front['behave']>[0], id: string, says: RegExp]>([
  ['hub down', undefined, 'hub.connect', /ECONNREFUSED/],
  ['another service on the port of the hub', say('SSH-2.0-OpenSSH_9.6\r\n'), 'hub.http', /cannot be reached/],
  ['hub hangs', hang, 'hub.http', /timeout/],
  ['hub overloaded', answerHttp(503, 'busy'), 'hub.http', /503/],
  [
    'a web page in place of the hub',
    answerHttp(200, '<html>Welcome</html>'),
    'hub.http',
    /not as a hub does/,
  ],
])('%s', async ([fault, behaviour, id, says]) => {
  await plain.rest.behave(behaviour)
  try {
    const findings = await names(fault, { id, says }, plain.dir)
    const others = findings.filter((finding) => finding.status === 'failed' && finding.id !== id)
    expect(others, 'a fault of the network is told once').toEqual([])
  } finally {
    await plain.rest.behave(leadTo(plain.hub.addresses.http))
  }
})

test('MQTT port closed', async () => {
  await plain.mqtt.behave(undefined)
  await names('MQTT port closed', { id: 'hub.mqtt', says: /ECONNREFUSED/ }, plain.dir)
  await plain.mqtt.behave(leadTo(plain.hub.addresses.mqtt))
})

test('certificates that are not to be trusted, each for its own reason', async () => {
  const faults = [
    ['certificate of an unknown authority', pairs.stranger, /issued by .*CA/],
    ['certificate expired', pairs.expired, /expired on/],
    ['certificate for another host', pairs.otherHost, /not for 127\.0\.0\.1/],
  ] as const
  for (const [fault, pair, says] of faults) {
    await secure.rest.behave(answerHttps(pair))
    await names(fault, { id: 'hub.tls', says }, secure.dir)
  }
  await secure.rest.behave(say('220 smtp.example ESMTP\r\n'))
  await names('no TLS on the port of the hub', { id: 'hub.tls', says: /cannot be reached/ }, secure.dir)
  await secure.rest.behave(leadTo(secure.hub.addresses.http))
})

test('state that others may read, or that is damaged', async () => {
  const identity = join(plain.dir, 'identity')
  const files = (await readdir(identity))
    .filter((name) => name.endsWith('.json'))
    .map((name) => join(identity, name))
  expect(files).toHaveLength(2)

  const [copy] = files as [string]
  await chmod(copy, 0o644)
  await names('identity file world-readable', { id: 'state', says: /identity.*mode 644/ }, plain.dir)
  await chmod(copy, 0o600)

  await chmod(plain.dir, 0o755)
  await names('state directory open to others', { id: 'state', says: /mode 755/ }, plain.dir)
  await chmod(plain.dir, 0o700)

  await cp(identity, `${plain.dir}-identity`, { recursive: true })
  for (const file of files) await truncate(file, 100)
  await names('identity truncated', { id: 'identity', says: /damaged/ }, plain.dir)
  await rename(identity, `${plain.dir}-damaged`)
  await rename(`${plain.dir}-identity`, identity)
  await chmod(identity, 0o700)

  await cp(copy, `${plain.dir}-copy`)
  await truncate(copy, 100)
  await names(
    'one copy of the identity damaged',
    { id: 'identity', status: 'warning', says: /one of the two copies/ },
    plain.dir,
  )
  await rename(`${plain.dir}-copy`, copy)
})

test('configuration that is wrong', async () => {
  const file = join(dir.path, 'edgeward.toml')
  await writeFile(file, '[uplink]\nwindw = 3\n')
  await names(
    'unknown key in the configuration',
    { id: 'configuration', says: /edgeward\.toml:2: unknown key uplink\.windw; did you mean uplink\.window/ },
    plain.dir,
    {},
    ['--config', file],
  )
  await names(
    'proxy.ca_file missing',
    { id: 'configuration', says: /proxy\.ca_file.*cannot be read/ },
    plain.dir,
    { EDGEWARD_PROXY_CA_FILE: join(dir.path, 'nowhere.pem') },
  )
})

test('an unboarded box; then a name that nobody knows, and proxies in the way', async () => {
  const { dir: state, gateway } = unboarded
  await names('unboarded', { id: 'identity', says: /has not been onboarded/ }, state)

  const { boarding } = await createAgent(secure.hub, 'lost')
  const content = { ...boarding.content, baseUrl: 'https://hub.nowhere.invalid' }
  const lost: BoardingConfiguration = { ...boarding, content }
  await expect(gateway.operate('identity.onboard', { boarding: lost })).rejects.toMatchObject({ exitCode: 5 })
  await names('DNS name that does not exist', { id: 'hub.resolve', says: /nowhere\.invalid/ }, state)

  const closed = `http://127.0.0.1:${await freePort()}`
  await names('proxy down', { id: 'proxy', says: /ECONNREFUSED/ }, state, { EDGEWARD_PROXY_URL: closed })

  await using proxy = await openFront(answerHttp(407, ''))
  const url = `http://${proxy.host}`
  await names('proxy wants credentials', { id: 'proxy', says: /407/ }, state, { EDGEWARD_PROXY_URL: url })
})

const whatLies = async (state: string) => {
  const paths = (await readdir(state, { recursive: true })).sort()
  return Promise.all(
    paths.map(async (path) => {
      const { mode, size, mtimeMs } = await stat(join(state, path))
      return { path, mode, size, mtimeMs }
    }),
  )
}

test('the daemon: stopped by a signal, not running, its state held by another, or gone', async () => {
  const state = join(dir.path, 'daemon')
  const gateway = await startGateway(state)
  gateway.process.kill('SIGSTOP')
  await names('daemon hangs', { id: 'daemon', says: /did not answer.*stopped by a signal/ }, state)
  gateway.process.kill('SIGCONT')
  await gateway.stop()
  const before = await whatLies(state)
  await names('daemon not running', { id: 'daemon', says: /does not run/ }, state)
  expect(await whatLies(state), 'looking changes nothing').toEqual(before)

  const sqlite = fileURLToPath(new URL('../core/sqlite.ts', import.meta.url))
  const script = `import { lockState } from ${JSON.stringify(sqlite)}
    globalThis.lock = lockState(${JSON.stringify(state)}); console.log('locked'); setInterval(() => {}, 1e6)`
  const other = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(other.stdout, 'data')
  await names(
    'state held by another process',
    { id: 'owner', says: new RegExp(`process ${other.pid} .*holds`) },
    state,
  )
  other.kill()
  await once(other, 'exit')

  await names('state directory missing', { id: 'state', says: /does not exist/ }, join(dir.path, 'nowhere'))
  expect(await readdir(dir.path), 'looking makes nothing').not.toContain('nowhere')
  await writeFile(join(dir.path, 'file'), '')
  await names('state directory is a file', { id: 'state', says: /not a directory/ }, join(dir.path, 'file'))
})

const isRoot = process.getuid?.() === 0
test.skipIf(!isRoot)('disk nearly full (needs root)', async ({ skip }) => {
  const state = join(dir.path, 'small')
  await mkdir(state)
  const mount = (command: string, ...args: string[]) => spawnSync(command, args).status === 0
  if (!mount('mount', '-t', 'tmpfs', '-o', 'size=4m,mode=700', 'tmpfs', state))
    skip('tmpfs cannot be mounted here')
  try {
    await names('disk nearly full', { id: 'state.space', says: /only [0-4] MB free/ }, state)
  } finally {
    mount('umount', state)
  }
})

describeWith(['faketime'], 'with a clock that lies', () => {
  test('clocks that are wrong, and time that has passed', async () => {
    const shifted = (offset: string) => ({
      LD_PRELOAD: fakeLibrary(findProgram('faketime') as string),
      FAKETIME: offset,
      DONT_FAKE_MONOTONIC: '1',
    })
    const ahead = { id: 'clock', says: /24 hours ahead/ }
    const found = await names('clock a day ahead', ahead, plain.dir, shifted('+1d'))
    expect(
      found.find(({ id }) => id === 'hub.http'),
      'what the clock does not touch',
    ).toMatchObject({ status: 'ok' })
    const behind = { id: 'clock', says: /3650 days behind/ }
    const overTls = await names('clock ten years behind, over TLS', behind, secure.dir, shifted('-3650d'))
    expect(overTls.find(({ id }) => id === 'hub.tls')).toMatchObject({ status: 'skipped', because: 'clock' })

    await plain.rest.behave(undefined)
    const { findings } = await doctor(plain.dir, shifted('+6d'))
    expect(findings.find(({ id }) => id === 'identity.credential')).toMatchObject({
      status: 'warning',
      cause: expect.stringContaining('rotation is overdue'),
    })
    await names(
      'credential expired while the hub was away',
      { id: 'identity.credential', says: /expired on/ },
      plain.dir,
      shifted('+8d'),
    )
    await plain.rest.behave(leadTo(plain.hub.addresses.http))
    await names(
      'boarding configuration expired while the hub was away',
      { id: 'identity', says: /boarding configuration expired/ },
      unboarded.dir,
      shifted('+8d'),
    )
  })
})

/** `faketime` is a small program around a library that it knows the place of. */
function fakeLibrary(program: string): string {
  const said = spawnSync(program, ['now', 'printenv', 'LD_PRELOAD'], { encoding: 'utf8' }).stdout
  return said.trim()
}

test('offboarded at the hub', async () => {
  await plain.hub.operate('agent.offboard', { id: plain.agent.id })
  await eventually(
    'noticed',
    async () => (await agentStatus(plain.gateway)).identity.state === 'needs-onboarding',
  )
  await names('offboarded', { id: 'identity', says: /takes none of the credentials/ }, plain.dir)
})
