import { isAbsolute } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Invalid } from '../../core/errors.ts'

/** Which key of which token, as RFC 7512 names it, and where its PIN lies. */
export interface TokenPlace {
  /** The library that speaks to the token. */
  module: string
  token: string
  /** CKA_ID, in hex. */
  id: string
  /** CKA_LABEL that a new key gets. */
  label: string
  /** File of the PIN. */
  pinFile: string
}

const example =
  'For example "pkcs11:token=edgeward;id=%01;object=device-ca?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/edgeward/ca-pin".'

/** Throws `Invalid`. A PIN in the address itself is refused: the configuration holds no secret. */
export function parseTokenUri(text: string): TokenPlace {
  const refuse = (why: string) => new Invalid(`certs.ca_key ${why}`, { cure: example })
  const match = /^pkcs11:([^?]*)(?:\?(.*))?$/.exec(text)
  if (!match) throw refuse('is no pkcs11: address')
  const path = attributes(match[1] ?? '', ';')
  const query = attributes(match[2] ?? '', '&')
  if (query.has('pin-value'))
    throw refuse('must not hold the PIN: put it into a file and name it as pin-source')
  const unknown = [
    ...[...path.keys()].filter((key) => !['token', 'id', 'object', 'type'].includes(key)),
    ...[...query.keys()].filter((key) => !['module-path', 'pin-source'].includes(key)),
  ]
  if (unknown.length > 0) throw refuse(`has attributes that are not known: ${unknown.join(', ')}`)
  if ((path.get('type') ?? 'private') !== 'private') throw refuse('names no private key')
  const needed = (from: Map<string, string>, key: string): string => {
    const value = from.get(key)
    if (value === undefined || value === '') throw refuse(`lacks ${key}`)
    return value
  }
  const module = needed(query, 'module-path')
  if (!isAbsolute(module)) throw refuse('needs a full path as module-path')
  return {
    module,
    token: needed(path, 'token'),
    id: Buffer.from(needed(path, 'id'), 'latin1').toString('hex'),
    label: path.get('object') ?? 'device-ca',
    pinFile: pinFile(needed(query, 'pin-source'), refuse),
  }
}

/** Percent-encoded, as bytes: an id may be any. */
function attributes(text: string, separator: string): Map<string, string> {
  const pairs = text.split(separator).filter((part) => part !== '')
  return new Map(
    pairs.map((part) => {
      const [key = '', ...value] = part.split('=')
      return [key, key === 'id' ? bytesOf(value.join('=')) : decoded(value.join('='))]
    }),
  )
}

const bytesOf = (text: string): string =>
  text.replace(/%([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))

const decoded = (text: string): string => Buffer.from(bytesOf(text), 'latin1').toString('utf8')

function pinFile(source: string, refuse: (why: string) => Invalid): string {
  if (isAbsolute(source)) return source
  if (!/^file:\/(\/\/)?[^/]/.test(source)) throw refuse('needs a file as pin-source')
  return fileURLToPath(source.replace(/^file:\/(?!\/)/, 'file:///'))
}
