import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { connectAsync } from 'mqtt'
import { expect, test } from 'vitest'
import type { ShownCertificates } from '../certs/index.ts'
import { issue } from '../certs/test-authority.ts'
import { edgeward, eventually, type Gateway, startGateway, tempDir } from './harness.ts'

const start = (path: string, env: Record<string, string> = {}) =>
  startGateway(path, { EDGEWARD_BROKER_TLS_LISTEN: '127.0.0.1:0', ...env })

/** SHA-256 of what the broker shows to a client that trusts `ca`. */
async function shownTo(gateway: Gateway, ca: string): Promise<string> {
  const { hostname, port } = new URL(gateway.addresses.mqtts ?? '')
  const socket: TLSSocket = connectTls({ host: hostname, port: Number(port), ca })
  await once(socket, 'secureConnect')
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}

const addApp = (gateway: Gateway) =>
  gateway.operate<{ client_id: string; client_secret: string }>('app.add', { name: 'press', version: '1' })

test('a connection outlives a renewal, and the next one sees the new certificate', async () => {
  await using dir = await tempDir()
  await using gateway = await start(dir.path)
  const { ca, server: before } = await gateway.operate<ShownCertificates>('cert.show')
  const pem = ca?.pem ?? ''
  const { client_id: username, client_secret: password } = await addApp(gateway)
  const options = { ca: pem, username, password, reconnectPeriod: 0, protocolVersion: 4 as const }
  const client = await connectAsync(gateway.addresses.mqtts ?? '', options, false)
  let closed = 0
  client.on('close', () => closed++)
  expect(await shownTo(gateway, pem)).toBe(before.fingerprint256)

  const renewed = await edgeward(['--state-dir', dir.path, '--json', 'cert', 'renew'])
  const { server: after } = JSON.parse(renewed.stdout) as ShownCertificates
  expect(after.fingerprint256).not.toBe(before.fingerprint256)
  expect(await shownTo(gateway, pem)).toBe(after.fingerprint256)
  await client.publishAsync('apps/press/state', 'on', { qos: 1 })
  expect(closed).toBe(0)
  await client.endAsync()
  const events = await gateway.operate<{ type: string }[]>('event.list')
  expect(JSON.stringify(events)).toContain('certificate_changed')
  await expectTrustTold(dir.path, pem)
})

/** `edgeward cert trust` writes the CA and says what to compare. */
async function expectTrustTold(state: string, pem: string): Promise<void> {
  const out = join(state, 'plant-ca.crt')
  const told = await edgeward(['--state-dir', state, 'cert', 'trust', '--out', out])
  expect(told.code, told.stderr).toBe(0)
  for (const system of ['Debian', 'RHEL', 'Windows', 'macOS', 'Android', 'Firefox'])
    expect(told.stdout).toContain(system)
  expect(told.stdout).toContain(`SHA-256 ${new X509Certificate(pem).fingerprint256}`)
  expect(await readFile(out, 'utf8')).toBe(pem)
}

test('a certificate of one’s own is taken when SIGHUP comes; a bad one raises an alarm', async () => {
  await using dir = await tempDir()
  const files = { cert: join(dir.path, 'box.pem'), key: join(dir.path, 'box.key') }
  const put = async ({ chain, keyPem }: { chain: string; keyPem: string }) => {
    await writeFile(files.cert, chain)
    await writeFile(files.key, keyPem)
  }
  const authority = await issue({ name: 'plant CA', ca: true })
  const hosts = ['localhost', '127.0.0.1']
  const first = await issue({ name: 'first', hosts, issuer: authority })
  const second = await issue({ name: 'second', hosts, issuer: authority })
  await put(first)
  await using gateway = await start(join(dir.path, 'box'), {
    EDGEWARD_CERTS_SERVER_CERT: files.cert,
    EDGEWARD_CERTS_SERVER_KEY: files.key,
  })
  const pem = authority.certificate.toString()
  expect(await shownTo(gateway, pem)).toBe(first.certificate.fingerprint256)
  await put(second)
  gateway.process.kill('SIGHUP')
  await eventually(
    'the second one',
    async () => (await shownTo(gateway, pem)) === second.certificate.fingerprint256,
  )
  await put({ chain: first.chain, keyPem: second.keyPem })
  gateway.process.kill('SIGHUP')
  await eventually('the alarm', async () =>
    JSON.stringify(await gateway.operate('alarm.list')).includes('certificate_failed'),
  )
  expect(await shownTo(gateway, pem)).toBe(second.certificate.fingerprint256)
  const { stdout } = await edgeward(['--state-dir', join(dir.path, 'box'), 'cert', 'show'])
  expect(stdout).toMatch(/of your own/)
  expect(stdout).toMatch(/FAULT .*is not the key of/)
})
