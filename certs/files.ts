import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { readFileIfExists, writeFileAtomic } from '../core/files.ts'
import { keyPem } from './certificate.ts'

/** A key and its certificate, as far as they are there and can be read. */
export interface StoredPair {
  key?: KeyObject
  certificate?: X509Certificate
}

export interface Pair {
  key: KeyObject
  certificate: X509Certificate
}

/** `ca.key` and `ca.crt`, `server.key` and `server.crt`. What cannot be parsed counts as missing. */
export async function readPair(dir: string, name: 'ca' | 'server'): Promise<StoredPair> {
  const key = await parsed(join(dir, `${name}.key`), createPrivateKey)
  const certificate = await parsed(join(dir, `${name}.crt`), (pem) => new X509Certificate(pem))
  return { ...(key ? { key } : {}), ...(certificate ? { certificate } : {}) }
}

/** The key comes first: after a cut between the two, the certificate does not match and is made again. */
export async function writePair(
  dir: string,
  name: 'ca' | 'server',
  { key, certificate }: Pair,
): Promise<void> {
  await writeFileAtomic(join(dir, `${name}.key`), keyPem(key), 0o600)
  await writeFileAtomic(join(dir, `${name}.crt`), certificate.toString(), 0o644)
}

async function parsed<T>(path: string, parse: (pem: string) => T): Promise<T | undefined> {
  const pem = await readFileIfExists(path)
  if (pem === undefined) return undefined
  try {
    return parse(pem)
  } catch {
    return undefined
  }
}
