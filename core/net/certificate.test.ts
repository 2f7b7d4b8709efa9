import type { X509Certificate } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import { type Issued, issue } from '../../certs/test-authority.ts'
import { verifyAt } from './certificate.ts'

const day = 86_400_000
const host = 'hub.example'
let root: Issued
let intermediate: Issued
let leaf: Issued

beforeAll(async () => {
  root = await issue({ name: 'root', ca: true, endDays: 300 })
  intermediate = await issue({ name: 'intermediate', ca: true, issuer: root, endDays: 200 })
  leaf = await issue({ name: 'leaf', issuer: intermediate, hosts: [host, '192.0.2.7'] })
})

const at = (...chain: Issued[]) => ({
  chain: chain.map(({ certificate }) => certificate),
  trusting: (...roots: Issued[]) => roots.map(({ certificate }) => certificate),
})
const verify = (
  chain: Issued[],
  expected: { roots?: readonly X509Certificate[]; host?: string; now?: number | 'any-time' } = {},
) => verifyAt(at(...chain).chain, { roots: [root.certificate], host, now: Date.now(), ...expected })

test('a chain up to a trusted root is accepted, sent with or without the root, for name and address', () => {
  verify([leaf, intermediate])
  verify([leaf, intermediate, root], { host: '192.0.2.7' })
  verify([leaf, root, intermediate], { now: 'any-time' })
})

test('a certificate that is trusted itself is accepted, and one signed by it is not', async () => {
  const own = await issue({ name: 'own', hosts: [host] })
  const signed = await issue({ name: 'signed', hosts: [host], issuer: own })
  verify([own], { roots: [own.certificate] })
  expect(() => verify([signed, own], { roots: [own.certificate] })).toThrow(
    expect.objectContaining({ fault: 'no-authority', subject: 'CN=own' }),
  )
})

test('an authority that nobody trusts is refused whatever the dates, and named', async () => {
  const stranger = await issue({ name: 'stranger', ca: true })
  const forged = await issue({ name: 'leaf', issuer: stranger, hosts: [host], endDays: 1 })
  for (const now of ['any-time', Date.now() + 9 * day] as const)
    expect(() => verify([forged, stranger], { now })).toThrow(
      expect.objectContaining({ fault: 'untrusted', issuer: 'CN=stranger' }),
    )
})

test('the name of a trusted root without its signature is worth nothing', async () => {
  const namesake = await issue({ name: 'root', ca: true })
  const forged = await issue({ name: 'leaf', issuer: namesake, hosts: [host] })
  expect(() => verify([forged, namesake], { now: 'any-time' })).toThrow(
    expect.objectContaining({ fault: 'untrusted' }),
  )
})

test('a server certificate that signs others is refused', async () => {
  const forged = await issue({ name: 'forged', issuer: leaf, hosts: ['bank.example'] })
  expect(() => verify([forged, leaf, intermediate], { host: 'bank.example', now: 'any-time' })).toThrow(
    expect.objectContaining({ fault: 'no-authority', subject: 'CN=leaf' }),
  )
})

test('an intermediate alone is no root', () => {
  expect(() => verify([leaf, intermediate], { roots: [intermediate.certificate] })).toThrow(
    expect.objectContaining({ fault: 'untrusted' }),
  )
})

test('another host is refused, and the certificate of a client', async () => {
  const client = await issue({ name: 'client', issuer: root, hosts: [host], clientOnly: true })
  for (const other of ['other.example', '192.0.2.8'])
    expect(() => verify([leaf, intermediate], { host: other, now: 'any-time' })).toThrow(
      expect.objectContaining({ fault: 'wrong-host' }),
    )
  expect(() => verify([client], { now: 'any-time' })).toThrow(expect.objectContaining({ fault: 'wrong-use' }))
})

test('dates hold for the whole chain at the time that is given', () => {
  const chain = [leaf, intermediate]
  verify(chain, { now: Date.now() + 29 * day })
  expect(() => verify(chain, { now: Date.now() + 31 * day })).toThrow(
    expect.objectContaining({ fault: 'expired', subject: 'CN=leaf' }),
  )
  expect(() => verify(chain, { now: Date.now() - 2 * day })).toThrow(
    expect.objectContaining({ fault: 'not-yet-valid' }),
  )
  expect(() => verify(chain, { now: Number.NaN })).toThrow()
})

test('a root that was renewed with its key serves, whichever is listed first', async () => {
  const old = await issue({ name: 'root', ca: true, key: root.key, startDays: -10, endDays: -1 })
  verify([leaf, intermediate], { roots: [old.certificate, root.certificate] })
  verify([leaf, intermediate], { roots: [root.certificate, old.certificate] })
  expect(() => verify([leaf, intermediate], { roots: [old.certificate] })).toThrow(
    expect.objectContaining({ fault: 'expired', subject: 'CN=root' }),
  )
})
