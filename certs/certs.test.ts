import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkServerIdentity, connect, createServer } from 'node:tls'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { run } from '../core/control.ts'
import { systemRandom } from '../core/random.ts'
import { manualClock } from '../test/manual-clock.ts'
import { type Certs, openCerts } from './index.ts'
import { serverNames } from './names.ts'

const dayMs = 86_400_000
const startAt = Date.now()

/** The state directory of a box that has its certificates; making keys takes long. */
let made = ''
let original: Certs

const open = (dir: string, change: { names?: string[]; addresses?: string[]; now?: number } = {}) =>
  openCerts(
    {
      clock: manualClock(change.now ?? startAt),
      random: systemRandom,
      log: pino({ level: 'silent' }),
      network: () => ({
        hostName: 'Press-1',
        addresses: change.addresses ?? ['127.0.0.1', '::1', '10.0.0.7'],
      }),
    },
    { dir, names: change.names ?? ['press.plant.local'], deviceName: 'Säge 1' },
  )

beforeAll(async () => {
  made = await mkdtemp(join(tmpdir(), 'edgeward-certs-'))
  original = await open(made)
})
afterAll(() => rm(made, { recursive: true }))

async function copy(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'edgeward-certs-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  await cp(made, dir, { recursive: true })
  return dir
}

/** Connects as a client that trusts `ca` alone and calls the server `name`. */
async function handshake(server: Certs['server'], ca: string, name: string): Promise<void> {
  const listener = createServer(server, (socket) => socket.end())
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  onTestFinished(() => void listener.close())
  const client = connect({
    host: '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    ca,
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
  })
  onTestFinished(() => void client.destroy())
  await once(client, 'secureConnect')
}

const publicKey = (pem: string) => new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' })

test.each(['press-1', 'localhost', 'press.plant.local', '127.0.0.1', '::1', '10.0.0.7'])(
  'a client that trusts the device CA reaches the box as %s',
  async (name) => {
    await handshake(original.server, original.ca, name)
  },
)

test('a client that calls the box otherwise is warned', async () => {
  await expect(handshake(original.server, original.ca, 'evil.example')).rejects.toThrow('does not match')
})

test('the CA signs servers only, and the server certificate is what browsers accept', () => {
  const ca = new X509Certificate(original.ca)
  const server = new X509Certificate(original.server.cert)
  expect(ca.ca).toBe(true)
  expect(ca.subject).toContain('CN=Säge 1 device CA')
  expect(server.ca).toBe(false)
  expect(server.checkIssued(ca)).toBe(true)
  expect(server.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']) // serverAuth
  const days = (Date.parse(server.validTo) - Date.parse(server.validFrom)) / dayMs
  expect(days).toBeLessThanOrEqual(397)
  expect(Date.parse(server.validFrom)).toBeLessThanOrEqual(startAt - dayMs)
})

test('keys are for their owner alone', async () => {
  const mode = async (name: string) => (await stat(join(made, name))).mode & 0o777
  expect([await mode('ca.key'), await mode('server.key')]).toEqual([0o600, 0o600])
  expect(await mode('ca.crt')).toBe(0o644)
})

test('opening again changes nothing', async () => {
  const dir = await copy()
  const again = await open(dir, { names: ['PRESS.plant.local'] })
  expect(again.ca).toBe(original.ca)
  expect(again.server).toEqual(original.server)
})

test.each([
  ['a name came', { names: ['press.plant.local', 'new.plant.local'] }],
  ['a name went', { names: [] }],
  ['an address changed', { addresses: ['127.0.0.1', '::1', '10.0.0.8'] }],
  ['fewer than 30 days are left', { now: startAt + 367 * dayMs }],
])('when %s the server certificate is made anew and the CA kept', async (_why, change) => {
  const dir = await copy()
  const changed = await open(dir, change)
  expect(changed.ca).toBe(original.ca)
  expect(changed.server.cert).not.toBe(original.server.cert)
  if (!('now' in change)) await handshake(changed.server, original.ca, 'localhost')
  expect((await open(dir, change)).server).toEqual(changed.server)
})

test.each(['ca.crt', 'server.key', 'server.crt'])('a missing or torn %s is made good', async (file) => {
  const missing = await copy()
  await rm(join(missing, file))
  const torn = await copy()
  await writeFile(join(torn, file), 'torn')
  for (const dir of [missing, torn]) {
    const mended = await open(dir)
    await handshake(mended.server, mended.ca, 'localhost')
    expect(publicKey(mended.ca)).toEqual(publicKey(original.ca))
  }
})

test('a CA that runs out is signed anew with its key, and who trusts the old one notices nothing', async () => {
  const renewed = await open(await copy(), { now: startAt + 3_630 * dayMs })
  const [server, before, after] = [renewed.server.cert, original.ca, renewed.ca].map(
    (pem) => new X509Certificate(pem),
  )
  expect(renewed.ca).not.toBe(original.ca)
  for (const ca of [before, after]) {
    expect(server?.checkIssued(ca as X509Certificate)).toBe(true)
    expect(server?.verify((ca as X509Certificate).publicKey)).toBe(true)
  }
})

test('a key that was written before a power cut kept its certificate away is used', async () => {
  const dir = await copy()
  const other = await open(await copy(), { names: [] })
  await writeFile(join(dir, 'server.key'), other.server.key)
  const mended = await open(dir)
  await handshake(mended.server, original.ca, 'localhost')
})

test('a CA that has lost its key is replaced, for there is no other way', async () => {
  const dir = await copy()
  await rm(join(dir, 'ca.key'))
  const replaced = await open(dir)
  expect(replaced.ca).not.toBe(original.ca)
  await handshake(replaced.server, replaced.ca, 'localhost')
  await expect(handshake(replaced.server, original.ca, 'localhost')).rejects.toThrow()
})

test('a clock that starts in 1970 makes no certificate older than its CA', async () => {
  const dir = await copy()
  const early = await open(dir, { now: 0, names: ['other.local'] })
  expect(early.ca).toBe(original.ca)
  await handshake(early.server, original.ca, 'other.local')
})

test('cert.show tells what a person compares', async () => {
  const shown = await run(original.operations, 'cert.show', {})
  expect(shown).toEqual({
    ca: {
      subject: 'O=edgeward, CN=Säge 1 device CA',
      notAfter: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      fingerprint256: new X509Certificate(original.ca).fingerprint256,
      pem: original.ca,
      key: 'file',
    },
    server: {
      names: ['10.0.0.7', '127.0.0.1', '::1', 'localhost', 'press-1', 'press.plant.local'],
      notAfter: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      fingerprint256: new X509Certificate(original.server.cert).fingerprint256,
      origin: 'device-ca',
    },
    warnings: [],
    faults: [],
  })
  expect(JSON.stringify(shown)).not.toContain('PRIVATE')
})

test('link-local addresses are left out, and a name that is none is refused', () => {
  const network = { hostName: 'ä box', addresses: ['fe80::1', '192.168.0.2'] }
  expect(serverNames(network, [])).toEqual(['192.168.0.2', 'localhost'])
  expect(() => serverNames(network, ['ok.local', 'https://x'])).toThrow('certs.names: "https://x"')
})
