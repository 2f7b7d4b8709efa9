import { X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../core/control.ts'
import type { ShownCertificates } from './index.ts'
import { type Issued, issue } from './test-authority.ts'
import { lookMs, makeBox, type RunningCerts, startCerts, type Wanted } from './test-running.ts'

let made = ''
let good: Issued
let other: Issued
beforeAll(async () => {
  made = await makeBox(Date.now())
  good = await issue({ name: 'plant', hosts: ['press-1', '10.0.0.7'] })
  other = await issue({ name: 'plant 2', hosts: ['press-1', '10.0.0.7'] })
})
afterAll(() => rm(made, { recursive: true }))

const start = (wanted: Wanted = {}) => startCerts({ from: made, ...wanted })
const leaf = ({ certs }: RunningCerts) => new X509Certificate(certs.server.cert)
const show = ({ certs }: RunningCerts) => run(certs.operations, 'cert.show', {}) as Promise<ShownCertificates>

async function files(issued: Issued) {
  const dir = await mkdtemp(join(tmpdir(), 'edgeward-own-'))
  const at = { serverCert: join(dir, 'box.pem'), serverKey: join(dir, 'box.key') }
  const put = async ({ chain, keyPem }: { chain: string; keyPem: string }) => {
    await writeFile(at.serverCert, chain)
    await writeFile(at.serverKey, keyPem)
  }
  await put(issued)
  return { at, put, [Symbol.asyncDispose]: () => rm(dir, { recursive: true }) }
}

test('a certificate of one’s own is shown, and lies where proxies read it', async () => {
  await using own = await files(good)
  const running = await start({ config: own.at })
  expect(running.certs.server).toEqual({ cert: good.chain.replaceAll('\r', ''), key: good.keyPem })
  expect(new X509Certificate(await readFile(join(running.dir, 'server.crt'))).fingerprint256).toBe(
    good.certificate.fingerprint256,
  )
  expect(await show(running)).toMatchObject({ server: { origin: 'own' }, warnings: [], faults: [] })
  await expect(run(running.certs.operations, 'cert.renew', {})).rejects.toMatchObject({ code: 'own' })
})

test('it is read again when its files change, and at once when asked to', async () => {
  await using own = await files(good)
  const running = await start({ config: own.at })
  await own.put(other)
  await running.pass(lookMs)
  expect(leaf(running).fingerprint256).toBe(other.certificate.fingerprint256)
  await own.put(good)
  running.certs.reload()
  await expect.poll(() => leaf(running).fingerprint256).toBe(good.certificate.fingerprint256)
  expect(running.changes).toBe(2)
})

test.each([
  ['a key of another', async () => ({ chain: good.chain, keyPem: other.keyPem }), 'is not the key of'],
  ['one that has ended', () => issue({ name: 'x', startDays: -9, endDays: -1 }), 'it has ended'],
  ['no certificate', async () => ({ chain: 'x', keyPem: good.keyPem }), 'holds no certificate'],
  ['no key', async () => ({ chain: good.chain, keyPem: 'x' }), 'holds no key'],
  [
    'a key under a passphrase',
    async () => ({
      chain: good.chain,
      keyPem: good.key.export({
        ...{ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'p' },
      }) as string,
    }),
    'locked by a passphrase',
  ],
])('%s is a fault, and the last good one stays, over a restart too', async (_what, make, why) => {
  await using own = await files(good)
  const running = await start({ config: own.at })
  await own.put(await make())
  await running.pass(lookMs)
  expect(running.faults).toEqual([expect.stringContaining(why)])
  expect(leaf(running).fingerprint256).toBe(good.certificate.fingerprint256)

  const again = await start({ from: running.dir, config: own.at })
  expect(leaf(again).fingerprint256).toBe(good.certificate.fingerprint256)
  expect(again.faults).toEqual([expect.stringContaining(why)])
  await own.put(other)
  await again.pass(lookMs)
  expect(again.faults.at(-1)).toBeUndefined()
  expect(leaf(again).fingerprint256).toBe(other.certificate.fingerprint256)
})

test('a bad one at the first start is a fault, and the device CA stands in', async () => {
  await using own = await files(good)
  await rm(own.at.serverKey)
  const running = await start({ config: own.at })
  expect(await show(running)).toMatchObject({
    server: { origin: 'device-ca' },
    faults: [expect.stringContaining('cannot be read')],
  })
})

test('names that it does not cover are a warning', async () => {
  await using own = await files(good)
  const running = await start({ config: { ...own.at, names: ['press.plant.local'] } })
  expect((await show(running)).warnings).toEqual(['it does not cover press.plant.local'])
})

test('a power cut between its key and its certificate is made good', async () => {
  await using own = await files(good)
  await using torn = await files(good)
  const before = await start({ config: own.at })
  await own.put(other)
  await writeFile(join(before.dir, 'server.key'), other.keyPem)
  await rm(torn.at.serverKey)
  const running = await start({ from: before.dir, config: own.at })
  expect(running.certs.server.key).toBe(other.keyPem)
  expect(leaf(running).fingerprint256).toBe(other.certificate.fingerprint256)
  const without = await start({ from: before.dir, config: torn.at })
  expect(leaf(without).checkIssued(new X509Certificate(without.certs.ca))).toBe(true)
})

test('without it the device CA comes back, with a key of its own', async () => {
  await using own = await files(good)
  const before = await start({ config: own.at })
  const running = await start({ from: before.dir })
  expect(leaf(running).checkIssued(new X509Certificate(running.certs.ca))).toBe(true)
  expect(leaf(running).publicKey.equals(good.certificate.publicKey)).toBe(false)
})

test('half of the setting is refused', async () => {
  await expect(start({ config: { serverCert: '/x' } })).rejects.toThrow('go together')
})
