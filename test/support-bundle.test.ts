import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type CreatedAgent,
  createAgent,
  edgeward,
  type Gateway,
  joinPlant,
  startGateway,
  startHub,
  type TempDir,
  tempDir,
} from './harness.ts'
import { codeAt, createVisitor, recoveryCodes, scan } from './second-factor.ts'

/** A box that has every kind of secret, and where somebody has put one of them into a wrong place. */

const userPassword = 'Räder müssen rollen 42'
const proxyPassword = 'hinter=dem/Zaun&9'
const fieldPassword = 'halle-zwei-opcua-7731'
const privateToken = 'was-die-presse-für-sich-behält'

const held = new AsyncDisposableStack()
const secrets = new Map<string, string | Buffer>()
let dir: TempDir
let stateDir: string
let gateway: Gateway
let env: Record<string, string>

beforeAll(async () => {
  dir = held.use(await tempDir())
  stateDir = join(dir.path, 'state')
  const hub = held.use(await startHub(join(dir.path, 'hub')))
  await hub.operate('init', { tenant: 'default' })
  const boarded = await createAgent(hub, 'press-07', 'SHARED_SECRET')
  const waiting = await createAgent(hub, 'press-08', 'SHARED_SECRET')
  env = await settings(waiting)
  gateway = await startGateway(stateDir, env)
  held.defer(() => gateway.stop('SIGKILL'))
  const app = await joinPlant(gateway, hub, boarded)
  secrets.set('secret of an app', app.secret)
  await ofApps(app)
  await ofPeople()
  await onDisk()
})
afterAll(() => held.disposeAsync())

/** Files that the configuration names; and a device name with what belongs into one of them. */
async function settings(waiting: CreatedAgent): Promise<Record<string, string>> {
  const file = async (path: string, text: string) => {
    await writeFile(join(dir.path, path), text, { mode: 0o600 })
    return join(dir.path, path)
  }
  await mkdir(join(dir.path, 'boarding'))
  await mkdir(join(dir.path, 'sources'))
  await file('boarding/box.json', JSON.stringify(waiting.boarding)) // refused: it is another agent's
  secrets.set('access token of a boarding file', waiting.boarding.content.iat)
  secrets.set('password of a field device', fieldPassword)
  await file(
    'sources/hall.toml',
    `[[dataSources]]\nname = "hall"\ncustomData = { protocol = "mqtt", password = "${fieldPassword}" }\n`,
  )
  secrets.set('credentials of the proxy', proxyPassword)
  return {
    EDGEWARD_PROXY_CREDENTIALS_FILE: await file('proxy', `box:${proxyPassword}\n`),
    EDGEWARD_AGENT_BOARDING_DIR: join(dir.path, 'boarding'),
    EDGEWARD_SOURCES_DIR: join(dir.path, 'sources'),
    EDGEWARD_DEVICE_NAME: `press ${proxyPassword} ${fieldPassword}`,
  }
}

const post = async (path: string, body: object | URLSearchParams, headers: Record<string, string> = {}) => {
  const isForm = body instanceof URLSearchParams
  const answer = await fetch(new URL(path, gateway.addresses.auth), {
    method: 'POST',
    headers: { ...(isForm ? {} : { 'content-type': 'application/json' }), ...headers },
    body: isForm ? body : JSON.stringify(body),
  })
  expect([path, answer.status]).toEqual([path, 200])
  return (await answer.json()) as { access_token: string }
}

async function ofApps({ id, secret }: { id: string; secret: string }): Promise<void> {
  const authorization = `Basic ${btoa(`${id}:${secret}`)}`
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  const { access_token } = await post('/device/edge/auth/oauth2/token', form, { authorization })
  secrets.set('token of an app', access_token)
  const kept = await fetch(new URL('/api/rest/v1/token/hall/oven', gateway.addresses.auth), {
    method: 'PUT',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ value: privateToken }),
  })
  expect(kept.ok).toBe(true)
  secrets.set('private token', privateToken)
}

async function ofPeople(): Promise<void> {
  secrets.set('password of a user', userPassword)
  for (const name of ['ann', 'bob'])
    await gateway.operate('user.add', { name, roles: ['Admin'], password: userPassword })
  const { access_token } = await post('/device/edge/api/v1/login/direct', {
    username: 'ann',
    password: userPassword,
  })
  secrets.set('token of a user', access_token)
  const session = await fetch(new URL('/api/v1/session', gateway.addresses.admin), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'ann', password: userPassword }),
  })
  const cookie = /=([^;]+)/.exec(session.headers.getSetCookie()[0] as string)?.[1] as string
  secrets.set('cookie of the administration', cookie)
  secrets.set('secret of the administration', ((await session.json()) as { secret: string }).secret)
  await secondFactor()
  const { code } = await gateway.operate<{ code: string }>('user.resetCode', { name: 'ann' })
  secrets.set('code for a new password', code)
}

async function secondFactor(): Promise<void> {
  const set = (key: string, value: string) =>
    gateway.operate('option.set', { category: 'two-factor', key, value })
  await set('strategy', 'totp')
  await set('enforced', 'true')
  const person = createVisitor(async (path, question) => {
    const answer = await fetch(gateway.addresses.auth + path, { ...question, redirect: 'manual' })
    const { status, headers } = answer
    return { status, text: await answer.text(), headers: {}, setCookies: headers.getSetCookie() }
  })
  await person.open('?local=1')
  const secret = scan((await person.submit({ username: 'bob', password: userPassword })).text)
  const { session, text } = await person.submit({ code: codeAt(secret, Date.now()) }, '/second-factor')
  secrets.set('secret of a second factor', secret)
  secrets.set('cookie of a browser', (session as string).slice('access_token='.length))
  secrets.set('recovery code', recoveryCodes(text)[0] as string)
}

/** Everything in the files of the box that is a secret by its name, and its private keys. */
async function onDisk(): Promise<void> {
  const identity = join(stateDir, 'identity')
  for (const name of await readdir(identity)) {
    const text = await readFile(join(identity, name), 'utf8')
    for (const [, field, value] of text.matchAll(
      /"(client_secret|registration_access_token|iat)":"([^"]+)"/g,
    ))
      secrets.set(`${field} in ${name}`, value as string)
  }
  for (const name of ['ca.key', 'server.key']) {
    const lines = (await readFile(join(stateDir, 'pki', name), 'utf8')).split('\n')
    secrets.set(`${name} of the box`, lines.slice(1, -2).join('\n'))
    secrets.set(`a line of ${name}`, lines[1] as string)
  }
  secrets.set('key of the private tokens', await readFile(join(stateDir, 'kv.key')))
}

/** In each form that a secret travels in, within other base64 too. */
function formsOf(secret: string | Buffer): string[] {
  const bytes = Buffer.from(secret)
  const inner = (before: number) =>
    Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .slice(Math.ceil((before * 8) / 6), -4)
  const base64 = [0, 1, 2].map(inner)
  const text =
    typeof secret === 'string'
      ? [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]
      : []
  const url = base64.map((one) => one.replaceAll('+', '-').replaceAll('/', '_'))
  return [...text, bytes.toString('hex'), bytes.toString('hex').toUpperCase(), ...base64, ...url]
}

interface Report {
  path: string
  parts: { path: string; bytes: number; cuts: number; failed?: string }[]
}

async function bundle(name: string): Promise<{ report: Report; said: string; files: Map<string, string> }> {
  const out = join(dir.path, `${name}.tar.gz`)
  const words = ['support-bundle', '--state-dir', stateDir, '--out', out, '--json']
  const { code, stdout, stderr } = await edgeward(words, { env })
  expect([code, stderr]).toEqual([0, expect.any(String)])
  expect((await stat(out)).mode & 0o777).toBe(0o600)
  const into = join(dir.path, name)
  await mkdir(into)
  execFileSync('tar', ['-xzf', out, '-C', into])
  const [folder] = await readdir(into)
  const files = new Map<string, string>()
  for (const entry of await readdir(join(into, folder as string), { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile())
      files.set(path.slice(join(into, folder as string).length + 1), await readFile(path, 'utf8'))
  }
  return { report: JSON.parse(stdout) as Report, said: stderr, files }
}

/** Where a secret stands, and in which form it was found. */
const leaks = (files: ReadonlyMap<string, string>): string[] =>
  [...secrets].flatMap(([what, secret]) =>
    formsOf(secret).flatMap((form) =>
      [...files].filter(([, text]) => text.includes(form)).map(([path]) => `${what} in ${path}: ${form}`),
    ),
  )

const failedOf = ({ parts }: Report) =>
  parts.filter(({ failed }) => failed !== undefined).map(({ path }) => path)

let running: Awaited<ReturnType<typeof bundle>>

describe('the support bundle', () => {
  test('holds what is known of a running box, and none of its secrets in any form', async () => {
    expect(secrets.size).toBeGreaterThan(15)
    running = await bundle('running')
    const { report, said, files } = running
    expect(failedOf(report).filter((path) => path !== 'box/unit.txt')).toEqual([])
    expect(leaks(files)).toEqual([])

    const json = (path: string) => JSON.parse(files.get(path) as string)
    expect(json('status.json').identity.state).toBe('onboarded')
    expect(json('doctor.json').findings.length).toBeGreaterThan(10)
    expect(json('box/versions.json').node).toBe(process.version)
    expect(json('state/databases.json')).toContainEqual(
      expect.objectContaining({ name: 'auth.db', userVersion: expect.any(Number) }),
    )
    expect(json('events.json').map(({ type }: { type: string }) => type)).toContain('onboarded')
    expect(json('manifest.json').parts).toEqual(report.parts)
    expect(files.get('metrics.txt')).toContain('edgeward_uplink_connected 1')
    expect(files.get('log.jsonl')).toContain('"msg":"gateway serves"')
    expect(files.get('state/files.txt')).toMatch(/^-0600 .* kv\.key$/m)
    expect(files.get('state/certificates.txt')).toContain('subject: ')
    for (const { path } of report.parts) expect(said).toContain(path)
  })

  test('what stands in a wrong place is cut there, and the rest of it stays', async () => {
    const { stdout } = await edgeward(['config', 'show', '--state-dir', stateDir], { env })
    expect(leaks(new Map([['config show', stdout]]))).not.toEqual([])
    const { files, report } = running
    expect(JSON.parse(files.get('configuration.json') as string)).toMatchObject({
      device: { name: 'press [cut] [cut]' },
      auth: { token_lifespan: 172_800_000 },
    })
    expect(report.parts.find(({ path }) => path === 'configuration.json')?.cuts).toBe(2)
  })

  test('nobody in person is in log and audit, and who did what can still be followed', () => {
    const { files } = running
    const audit = (files.get('audit.jsonl') as string)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const of = (type: string) => audit.filter((entry) => entry.type === type).map(({ user }) => user)
    expect(of('user_added').sort()).toEqual(['user-1', 'user-2'])
    expect(of('user_added')).toContain(of('login')[0])
    expect(files.get('log.jsonl')).toMatch(/"user":"user-1".*"msg":"signed in"/)
    for (const path of ['audit.jsonl', 'log.jsonl'])
      expect(files.get(path)).not.toMatch(/"(ann|bob)"|"address":"127|"userAgent":"node"/)
  })

  test('of a daemon that hangs there is what needs no answer, and the rest is noted', async () => {
    gateway.process.kill('SIGSTOP')
    try {
      const { report, files } = await bundle('hung')
      expect(failedOf(report).filter((path) => path !== 'box/unit.txt')).toEqual([
        ...['log.jsonl', 'status.json', 'configuration-history.json', 'loss-ledger.json', 'audit.jsonl'],
        'metrics.txt',
      ])
      expect(files.get('box/process.txt')).toContain('it was stopped by a signal')
      expect(files.get('doctor.json')).toContain('did not answer on its control socket')
      expect(files.get('state/databases.json')).toContain('outbox.db')
      expect(leaks(files)).toEqual([])
    } finally {
      gateway.process.kill('SIGCONT')
    }
  })

  test('of a daemon that is stopped the commands tell', async () => {
    await gateway.stop()
    const { report, files } = await bundle('stopped')
    expect(failedOf(report).filter((path) => path !== 'box/unit.txt')).toEqual(['log.jsonl', 'metrics.txt'])
    expect(files.get('audit.jsonl')).toContain('"user_added"')
    expect(files.get('loss-ledger.json')).toContain('"gaps"')
    expect(leaks(files)).toEqual([])
  })
})
