import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { isIP } from 'node:net'
import { createSecureContext } from 'node:tls'
import type { Clock } from '../core/clock.ts'
import { keyPem, type Pair } from './files.ts'

/** Files of a certificate that somebody else has signed, and of its key; PEM. */
export interface OwnFiles {
  cert: string
  key: string
}

export type OwnRead = { pair: Pair; warnings: string[] } | { fault: string }

/** Reads the files again only when they have changed; checks the dates each time. Never throws. */
export function ownCertificate(
  { clock, isTimeTrusted }: { clock: Clock; isTimeTrusted(): boolean },
  files: OwnFiles,
): (names: readonly string[]) => Promise<OwnRead> {
  let known: { stamp: string; pair: Pair } | undefined

  async function read(): Promise<Pair> {
    const stamp = `${await stampOf(files.cert)} ${await stampOf(files.key)}`
    if (known?.stamp !== stamp) known = { stamp, pair: await readOwn(files) }
    return known.pair
  }

  return async (names) => {
    try {
      const pair = await read()
      const { validFrom, validTo } = pair.certificate
      if (Date.parse(validTo) <= clock.now()) return { fault: `certs.server_cert: it has ended ${validTo}` }
      if (isTimeTrusted() && Date.parse(validFrom) > clock.now())
        return { fault: `certs.server_cert: it begins only ${validFrom}` }
      return { pair, warnings: doubts(pair, names) }
    } catch (error) {
      return { fault: (error as Error).message }
    }
  }
}

async function stampOf(path: string): Promise<string> {
  const { mtimeMs, ctimeMs, size, ino } = await stat(path).catch((cause: Error) => {
    throw new Error(`${path} cannot be read: ${cause.message}`, { cause })
  })
  return [mtimeMs, ctimeMs, size, ino].join()
}

async function readOwn({ cert, key }: OwnFiles): Promise<Pair> {
  const certificates = parseChain(await readText(cert), cert)
  const [certificate] = certificates as [X509Certificate]
  const parsedKey = parseKey(await readText(key), key)
  if (!certificate.checkPrivateKey(parsedKey))
    throw new Error(`certs.server_key: ${key} is not the key of ${cert}`)
  const chain = certificates.map(String).join('')
  try {
    createSecureContext({ cert: chain, key: keyPem(parsedKey) })
  } catch (cause) {
    throw new Error(`certs.server_cert: TLS does not take it: ${(cause as Error).message}`, { cause })
  }
  return { key: parsedKey, certificate, chain }
}

const readText = (path: string): Promise<string> =>
  readFile(path, 'utf8').catch((cause: Error) => {
    throw new Error(`${path} cannot be read: ${cause.message}`, { cause })
  })

function parseChain(text: string, path: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0) throw new Error(`certs.server_cert: ${path} holds no certificate (PEM)`)
  try {
    return blocks.map((pem) => new X509Certificate(pem))
  } catch (cause) {
    throw new Error(`certs.server_cert: ${path} holds a damaged certificate`, { cause })
  }
}

function parseKey(text: string, path: string): KeyObject {
  try {
    return createPrivateKey(text)
  } catch (cause) {
    const why = text.includes('ENCRYPTED') ? 'is locked by a passphrase' : 'holds no key (PEM)'
    throw new Error(`certs.server_key: ${path} ${why}`, { cause })
  }
}

const serverAuth = '1.3.6.1.5.5.7.3.1'

/** What clients will complain about, and nothing to refuse it for. */
function doubts({ certificate, chain }: Pair, names: readonly string[]): string[] {
  const missing = names.filter((name) => !isLocal(name) && !covers(certificate, name))
  const uses: string[] | undefined = certificate.keyUsage
  const links = parseChain(chain, '')
  const isBroken = links.some((link, at) => at > 0 && !links[at - 1]?.checkIssued(link))
  return [
    ...(missing.length > 0 ? [`it does not cover ${missing.join(', ')}`] : []),
    ...(uses && !uses.includes(serverAuth) ? ['it is not for servers'] : []),
    ...(isBroken ? ['its chain is not in order'] : []),
  ]
}

/** Nobody else certifies what every machine calls itself. */
const isLocal = (name: string): boolean => name === 'localhost' || name === '::1' || name.startsWith('127.')

const covers = (certificate: X509Certificate, name: string): boolean =>
  (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined
