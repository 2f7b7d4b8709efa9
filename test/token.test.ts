import { X509Certificate } from 'node:crypto'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { openCerts, type ShownCertificates } from '../certs/index.ts'
import { run } from '../core/control.ts'
import { systemRandom } from '../core/random.ts'
import { runProgram, startGateway, tempDir } from './harness.ts'
import { manualClock } from './manual-clock.ts'
import { describeWith } from './peers.ts'

const module = '/usr/lib/softhsm/libsofthsm2.so'
const pin = '471100'

/** A token of SoftHSM in a folder of its own. */
async function makeToken(dir: string) {
  const conf = join(dir, 'softhsm2.conf')
  const tokens = join(dir, 'tokens')
  const pinFile = join(dir, 'pin')
  await mkdir(tokens, { recursive: true })
  await writeFile(conf, `directories.tokendir = ${tokens}\n`)
  await writeFile(pinFile, `${pin}\n`, { mode: 0o600 })
  const env: Record<string, string> = { SOFTHSM2_CONF: conf }
  const made = await runProgram(
    'softhsm2-util',
    ['--init-token', '--free', '--label', 'plant', '--so-pin', '12345678', '--pin', pin],
    { env },
  )
  expect(made.code, made.stderr).toBe(0)
  const caKey = `pkcs11:token=plant;id=%07;object=device-ca?module-path=${module}&pin-source=file:${pinFile}`
  return { env, caKey, tokens, pinFile }
}

type Token = Awaited<ReturnType<typeof makeToken>>

async function openBox(dir: string, { env, caKey }: Pick<Token, 'env'> & { caKey?: string }) {
  const clock = manualClock(Date.now())
  const network = { hostName: 'press-1', addresses: ['127.0.0.1'] }
  const certs = await openCerts(
    {
      ...{ clock, random: systemRandom, log: pino({ level: 'silent' }), network: () => network },
      environment: { ...process.env, ...env },
    },
    { dir: join(dir, 'pki'), names: [], deviceName: 'press', ...(caKey === undefined ? {} : { caKey }) },
  )
  const shown = () => run(certs.operations, 'cert.show', {}) as Promise<ShownCertificates>
  return {
    certs,
    clock,
    network,
    shown,
    run: (name: string, params = {}) => run(certs.operations, name, params),
  }
}

describeWith(['softhsm2-util', 'pkcs11-tool'], 'a device CA whose key lies in a token', () => {
  test('signs, is never on disk, and is the same after a restart', async () => {
    await using dir = await tempDir()
    const token = await makeToken(dir.path)
    const box = await openBox(dir.path, token)
    expect(await box.shown()).toMatchObject({ ca: null, server: { origin: 'interim' } })

    await box.run('cert.caKey', { bits: 3072 })
    const ca = new X509Certificate(box.certs.ca)
    const leaf = new X509Certificate(box.certs.server.cert)
    expect(ca.publicKey.asymmetricKeyDetails?.modulusLength).toBe(3072)
    expect(ca.verify(ca.publicKey) && leaf.verify(ca.publicKey) && leaf.checkIssued(ca)).toBe(true)
    expect(await box.shown()).toMatchObject({ ca: { key: 'token' }, server: { origin: 'device-ca' } })
    expect((await readdir(join(dir.path, 'pki'))).sort()).toEqual(['ca.crt', 'server.crt', 'server.key'])
    await expect(box.run('cert.caKey', { bits: 3072 })).rejects.toMatchObject({ code: 'key_exists' })

    const again = await openBox(dir.path, token)
    await again.run('cert.renew')
    expect(again.certs.ca).toBe(box.certs.ca)
    expect(new X509Certificate(again.certs.server.cert).verify(ca.publicKey)).toBe(true)
  })

  test('that is away stops nothing, and is asked again', async () => {
    await using dir = await tempDir()
    const token = await makeToken(dir.path)
    const first = await openBox(dir.path, token)
    await first.run('cert.caKey', { bits: 2048 })
    await rename(token.tokens, `${token.tokens}-away`)
    await mkdir(token.tokens)

    const box = await openBox(dir.path, token)
    const faults: (string | undefined)[] = []
    box.certs.onFault((fault) => faults.push(fault))
    expect(box.certs.server).toEqual(first.certs.server)
    const stop = new AbortController()
    const ended = box.certs.run(stop.signal)
    await expect.poll(() => faults, { timeout: 20_000 }).toEqual([expect.stringContaining('the token')])
    expect(box.certs.server).toEqual(first.certs.server)

    await rm(token.tokens, { recursive: true })
    await rename(`${token.tokens}-away`, token.tokens)
    await expect
      .poll(
        async () => {
          await box.clock.advance(30_000)
          return faults.at(-1)
        },
        { timeout: 20_000 },
      )
      .toBeUndefined()
    expect(box.certs.ca).toBe(first.certs.ca)
    stop.abort()
    await ended
  })

  test('is not asked twice with a PIN that it has refused', async () => {
    await using dir = await tempDir()
    const token = await makeToken(dir.path)
    const box = await openBox(dir.path, token)
    await writeFile(token.pinFile, '000000')
    const refusal = { code: 'token_pin_refused', cure: expect.stringContaining('pin-source') }
    await expect(box.run('cert.renew')).rejects.toMatchObject(refusal)
    await rm(token.tokens, { recursive: true }) // whoever asks now, finds no token
    await expect(box.run('cert.renew')).rejects.toMatchObject(refusal)
    await writeFile(token.pinFile, pin)
    await expect(box.run('cert.renew')).rejects.toMatchObject({ code: 'token_unavailable' })
  })

  test('a key of the disk that was brought into the token keeps its CA', async () => {
    await using dir = await tempDir()
    const token = await makeToken(dir.path)
    const state = join(dir.path, 'box')
    await mkdir(state)
    const before = await (await openBox(state, { env: {} })).shown()
    const key = join(state, 'pki', 'ca.key')
    const imported = await runProgram(
      'softhsm2-util',
      ['--import', key, '--token', 'plant', '--label', 'device-ca', '--id', '07', '--pin', pin],
      { env: token.env },
    )
    expect(imported.code, imported.stderr).toBe(0)
    await rm(key)
    const settings = { ...token.env, EDGEWARD_CERTS_CA_KEY: token.caKey }
    await using gateway = await startGateway(state, settings)
    await gateway.operate('cert.renew')
    const after = await gateway.operate<ShownCertificates>('cert.show')
    expect(after.ca).toEqual({ ...before.ca, key: 'token' })
    expect(after.server.fingerprint256).not.toBe(before.server.fingerprint256)
    expect(after.faults).toEqual([])
    expect(gateway.log()).not.toContain(pin)
  })
})
