import { join } from 'node:path'
import { readFileIfExists, writeFileAtomic } from '../../core/files.ts'
import type { Random } from '../../core/random.ts'
import { TokensLocked } from './errors.ts'
import { keyCheck } from './sealing.ts'

/** What kv.db says of the key that it was written with. */
export interface Keyed {
  check: Uint8Array | undefined
  hasTokens: boolean
}

const keyBytes = 32

/**
 * The box's key from kv.key. Made when there is nothing yet that another one has sealed; where there is,
 * a key that is missing or does not fit is `TokensLocked`: a new one would make all of it unreadable.
 */
export async function settleKey(dir: string, { check, hasTokens }: Keyed, random: Random): Promise<Buffer> {
  const path = join(dir, 'kv.key')
  const text = await readFileIfExists(path)
  const key = text === undefined ? undefined : Buffer.from(text.trim(), 'base64url')
  const fits = key?.length === keyBytes && (check === undefined || keyCheck(key).equals(Buffer.from(check)))
  if (key && fits) return key
  if (hasTokens) throw key ? wrong(path) : missing(path)
  const made = random.bytes(keyBytes)
  await writeFileAtomic(path, `${made.toString('base64url')}\n`)
  return made
}

const cure = (path: string) =>
  `Put ${path} back from a backup and restart. If there is none, remove what nobody can read any more with "edgeward kv remove APP --all" for each app, and restart.`

const missing = (path: string) =>
  new TokensLocked(
    'kv_key_missing',
    `${path} is missing, and there are private tokens sealed with it`,
    cure(path),
  )
const wrong = (path: string) =>
  new TokensLocked(
    'kv_key_wrong',
    `${path} is not the key that the private tokens are sealed with`,
    cure(path),
  )
