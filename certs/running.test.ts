import { X509Certificate } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../core/control.ts'
import type { ShownCertificates } from './index.ts'
import { certifiedNames } from './names.ts'
import { lookMs, makeBox, type RunningCerts, startCerts, type Wanted } from './test-running.ts'

const dayMs = 86_400_000
const startAt = Date.now()

let made = ''
beforeAll(async () => {
  made = await makeBox(startAt)
})
afterAll(() => rm(made, { recursive: true }))

const start = (wanted: Wanted = {}) => startCerts({ from: made, now: startAt, ...wanted })
const leaf = ({ certs }: RunningCerts) => new X509Certificate(certs.server.cert)
const names = (running: RunningCerts) => certifiedNames(leaf(running))
const show = ({ certs }: RunningCerts) => run(certs.operations, 'cert.show', {}) as Promise<ShownCertificates>
const onDisk = async ({ dir }: RunningCerts, name: string) => readFile(join(dir, name), 'utf8')

/** When each file was written last. */
async function written({ dir }: RunningCerts): Promise<Record<string, number>> {
  const files = (await readdir(dir)).sort()
  return Object.fromEntries(
    await Promise.all(files.map(async (file) => [file, (await stat(join(dir, file))).mtimeMs] as const)),
  )
}

describe('while the box runs', () => {
  test('nothing is written while nothing changes', async () => {
    const running = await start()
    const before = await written(running)
    await running.pass(20 * lookMs)
    expect(await written(running)).toEqual(before)
    expect(running.changes).toBe(0)
  })

  test('the certificate is renewed thirty days before its end, by the same key', async () => {
    const running = await start()
    const { validTo, publicKey } = leaf(running)
    const before = await written(running)
    running.step(Date.parse(validTo) - startAt - 30 * dayMs - 2 * lookMs)
    await running.pass(lookMs)
    expect(running.changes).toBe(0)
    await running.pass(2 * lookMs)
    expect(running.changes).toBe(1)
    expect(leaf(running).publicKey.equals(publicKey)).toBe(true)
    expect(Date.parse(leaf(running).validTo)).toBeGreaterThan(Date.parse(validTo) + 300 * dayMs)
    expect(await onDisk(running, 'server.crt')).toBe(leaf(running).toString())
    const { 'server.crt': _cert, ...others } = await written(running)
    expect(before).toMatchObject(others)
  })

  test('a renewal that was cut between its two files is finished, so that a proxy finds a pair', async () => {
    const running = await start()
    const before = leaf(running)
    const obstacle = join(running.dir, 'server.crt.new')
    await mkdir(obstacle)
    await expect(run(running.certs.operations, 'cert.renew', {})).rejects.toThrow()
    expect(leaf(running).fingerprint256).toBe(before.fingerprint256)
    await rm(obstacle, { recursive: true })
    await running.pass(20 * lookMs)
    expect(leaf(running).publicKey.equals(before.publicKey)).toBe(false)
    expect(running.certs.server).toMatchObject({
      cert: expect.stringContaining(await onDisk(running, 'server.crt')),
      key: await onDisk(running, 'server.key'),
    })
  })

  test('so is the CA, whose key is kept', async () => {
    const running = await start()
    const before = new X509Certificate(running.certs.ca)
    running.step(Date.parse(before.validTo) - startAt - 29 * dayMs)
    await running.pass(lookMs)
    const after = new X509Certificate(running.certs.ca)
    expect(after.fingerprint256).not.toBe(before.fingerprint256)
    expect(after.publicKey.equals(before.publicKey)).toBe(true)
    expect(leaf(running).verify(before.publicKey)).toBe(true)
    expect(await onDisk(running, 'ca.crt')).toBe(running.certs.ca)
    expect(running.certs.endings.every(({ notAfter }) => notAfter > Date.parse(before.validTo))).toBe(true)
  })

  test('what was made while the clock was years ahead is made again when the time is known', async () => {
    let trusted = false
    const running = await start({ deps: { isTimeTrusted: () => trusted } })
    running.step(20 * 365 * dayMs)
    await running.pass(lookMs)
    running.step(-20 * 365 * dayMs)
    await running.pass(lookMs)
    expect(Date.parse(leaf(running).validFrom)).toBeGreaterThan(startAt + 365 * dayMs)
    trusted = true
    await running.pass(lookMs)
    expect(Date.parse(leaf(running).validFrom)).toBeLessThan(startAt)
    expect(Date.parse(new X509Certificate(running.certs.ca).validFrom)).toBeLessThan(startAt)
    expect((await show(running)).faults).toEqual([])
  })

  test('an address that DHCP gives is certified after a minute, the former one for a day more', async () => {
    const running = await start()
    running.network.addresses = ['127.0.0.1', '10.0.0.8']
    await running.pass(2 * lookMs)
    expect(names(running)).not.toContain('10.0.0.8')
    await running.pass(lookMs)
    expect(names(running)).toEqual(['10.0.0.7', '10.0.0.8', '127.0.0.1', 'localhost', 'press-1'])
    expect(running.changes).toBe(1)
    await running.leap(dayMs)
    await running.pass(lookMs)
    expect(names(running)).toEqual(['10.0.0.8', '127.0.0.1', 'localhost', 'press-1'])
    expect(running.changes).toBe(2)
  })

  test('a network that comes after the start makes no other certificate', async () => {
    const running = await start({ deps: { network: () => ({ hostName: 'press-1', addresses: [] }) } })
    await running.pass(4 * lookMs)
    expect(running.changes).toBe(0)
    expect(names(running)).toContain('10.0.0.7')
  })

  test('a disk that refuses is a fault, what there is stays, and it is tried again', async () => {
    const running = await start()
    const before = running.certs.server
    // A directory where the new file is to be written: refused to root as well.
    await mkdir(join(running.dir, 'server.crt.new'))
    running.network.hostName = 'press-2'
    await running.pass(4 * lookMs)
    expect(running.certs.server).toEqual(before)
    expect(running.faults).toEqual([expect.stringContaining('server.crt.new')])
    await rm(join(running.dir, 'server.crt.new'), { recursive: true })
    await running.pass(2 * 600_000)
    expect(running.faults.at(-1)).toBeUndefined()
    expect(names(running)).toContain('press-2')
  })
})

test('cert.renew makes a new certificate with a new key', async () => {
  const running = await start()
  const before = leaf(running)
  const shown = (await run(running.certs.operations, 'cert.renew', {})) as ShownCertificates
  expect(shown.server.fingerprint256).toBe(leaf(running).fingerprint256)
  expect(leaf(running).publicKey.equals(before.publicKey)).toBe(false)
  expect(running.changes).toBe(1)
})
