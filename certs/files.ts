import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { readFileIfExists, writeFileAtomic } from '../core/files.ts'

/** A key and its certificate, as far as they are there and can be read. */
export interface StoredPair {
  key?: KeyObject
  certificate?: X509Certificate
  chain?: string
}

export interface Pair {
  key: KeyObject
  certificate: X509Certificate
  /** PEM: the certificate, and those that signed it as far as clients need them. */
  chain: string
}

export const keyPem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string

export const matches = (pair: StoredPair): pair is Pair =>
  pair.key !== undefined && pair.certificate?.checkPrivateKey(pair.key) === true

/** `server.key` and `server.crt`. What cannot be parsed counts as missing. */
export async function readPair(dir: string): Promise<StoredPair> {
  const key = await readKey(dir, 'server')
  const chain = await parsed(join(dir, 'server.crt'), (pem) => ({
    pem,
    certificate: new X509Certificate(pem),
  }))
  return {
    ...(key ? { key } : {}),
    ...(chain ? { certificate: chain.certificate, chain: chain.pem } : {}),
  }
}

/**
 * A key that is there already is not written again, so that a proxy that reads the two at any moment finds
 * what belongs together. A new one comes first: after a cut between the two, the certificate does not match
 * and is made again.
 */
export async function writePair(dir: string, stored: StoredPair, { key, chain }: Pair): Promise<void> {
  if (!stored.key?.equals(key)) await writeKey(dir, 'server', key)
  await writeFileAtomic(join(dir, 'server.crt'), chain, 0o644)
}

export const readCa = (dir: string): Promise<X509Certificate | undefined> =>
  parsed(join(dir, 'ca.crt'), (pem) => new X509Certificate(pem))

export const writeCa = (dir: string, certificate: X509Certificate): Promise<void> =>
  writeFileAtomic(join(dir, 'ca.crt'), certificate.toString(), 0o644)

export const readKey = (dir: string, name: 'ca' | 'server'): Promise<KeyObject | undefined> =>
  parsed(join(dir, `${name}.key`), createPrivateKey)

export const writeKey = (dir: string, name: 'ca' | 'server', key: KeyObject): Promise<void> =>
  writeFileAtomic(join(dir, `${name}.key`), keyPem(key), 0o600)

async function parsed<T>(path: string, parse: (pem: string) => T): Promise<T | undefined> {
  const pem = await readFileIfExists(path)
  if (pem === undefined) return undefined
  try {
    return parse(pem)
  } catch {
    return undefined
  }
}
