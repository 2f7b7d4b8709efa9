import type { Random } from '../../core/random.ts'
import { BackupUnreadable, notOurs, tampered, WrongPassphrase } from '../errors.ts'
import { fileKeyBytes, headerMac, isSameMac, passphraseKey, seal, tagBytes, unseal } from './keys.ts'

const versionLine = 'age-encryption.org/v1'
const saltBytes = 16
/** More would be a way to use up the memory of whoever reads it: 1 GiB. */
const mostWork = 20
/** What a header with one recipient can take. */
export const maxHeaderBytes = 1024

/** `work` is the number of doublings in scrypt. */
export async function makeHeader(
  passphrase: string,
  { work, random }: { work: number; random: Random },
): Promise<{ header: string; fileKey: Buffer }> {
  const fileKey = Buffer.from(random.bytes(fileKeyBytes))
  const salt = Buffer.from(random.bytes(saltBytes))
  const wrapped = seal(await passphraseKey(passphrase, salt, work), Buffer.alloc(12), fileKey)
  const covered = `${versionLine}\n-> scrypt ${encode(salt)} ${work}\n${encode(wrapped)}\n---`
  return { header: `${covered} ${encode(headerMac(fileKey, covered))}\n`, fileKey }
}

/** Throws `BackupUnreadable`, `WrongPassphrase`. */
export async function openHeader(header: string, passphrase: string): Promise<Buffer> {
  const [version = '', stanza = '', body = '', end = ''] = header.split('\n')
  if (!version.startsWith('age-encryption.org/')) throw notOurs('it is not encrypted by age')
  if (version !== versionLine)
    throw new BackupUnreadable(
      'backup_version',
      `the backup is of the format ${version}, which this release does not know`,
      'Restore it with the release that made it, or a newer one.',
    )
  const [, salt, work] = /^-> scrypt ([\w+/]{22}) ([1-9]\d?)$/.exec(stanza) ?? []
  const mac = /^--- ([\w+/]{43})$/.exec(end)?.[1]
  const wrapped = decode(body)
  if (salt === undefined || work === undefined || mac === undefined || Number(work) > mostWork)
    throw notOurs('it is not encrypted with a passphrase')
  if (wrapped.length !== fileKeyBytes + tagBytes) throw tampered('its header')
  const key = await passphraseKey(passphrase, decode(salt), Number(work))
  const fileKey = unseal(key, Buffer.alloc(12), wrapped)
  if (!fileKey) throw new WrongPassphrase()
  const covered = header.slice(0, header.lastIndexOf('---') + 3)
  if (!isSameMac(headerMac(fileKey, covered), decode(mac))) throw tampered('its header')
  return fileKey
}

const encode = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '')

/** As it is written, only: the last letter has bits to spare, and another one could say the same bytes. */
function decode(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (encode(bytes) !== text) throw tampered('its header')
  return bytes
}
