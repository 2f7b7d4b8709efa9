import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import type { Database } from '../../core/sqlite.ts'

/** A row of the audit, as it is hashed. */
export interface ChainedRow {
  readonly id: number
  readonly type: string
  readonly user: string | null
  readonly clientId: string | null
  readonly session: string | null
  readonly address: string | null
  readonly userAgent: string | null
  readonly requestId: string | null
  readonly actor: string | null
  readonly reason: string | null
  /** JSON. */
  readonly detail: string | null
  readonly deviceTime: number
  readonly serverTime: number | null
}

/** How far a chain has come. */
export interface Link {
  readonly id: number
  readonly hash: Buffer
}

/** Before the first entry. */
export const origin: Link = { id: 0, hash: Buffer.alloc(32) }

/** The members stand in a fixed order, so that an entry has one text. */
export function hashOf(previous: Buffer, row: ChainedRow): Buffer {
  const { id, type, user, clientId, session, address, userAgent, requestId, actor } = row
  const { reason, detail, deviceTime, serverTime } = row
  const text = JSON.stringify([
    ...[id, type, user, clientId, session, address, userAgent, requestId, actor],
    ...[reason, detail, deviceTime, serverTime],
  ])
  return createHash('sha256').update(previous).update(text).digest()
}

/** The box has signed that its audit had come so far. */
export interface Checkpoint extends Link {
  /** Id of the checkpoint before. */
  readonly after: number
  readonly time: number
  readonly signature: Buffer
}

const signedText = ({ id, hash, time, after }: Omit<Checkpoint, 'signature'>): Buffer =>
  Buffer.from(JSON.stringify({ id, hash: hash.toString('hex'), time, after }))

/** Signs checkpoints, and knows its own. */
export interface Seal {
  sign(checkpoint: Omit<Checkpoint, 'signature'>): Buffer
  isGood(checkpoint: Checkpoint): boolean
  /** SHA-256 of the public key, in hex: at the hub, a box with another key is another box. */
  readonly name: string
}

/** The key is made when there is none. */
export function openSeal(db: Database): Seal {
  const select = db.prepare<[], { privateKey: string }>(`SELECT private_key AS privateKey FROM audit_key`)
  const key = createPrivateKey(select.get()?.privateKey ?? makeKey(db))
  const publicKey: KeyObject = createPublicKey(key)
  const name = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
  return {
    sign: (checkpoint) => sign(null, signedText(checkpoint), key),
    isGood: (checkpoint) => verify(null, signedText(checkpoint), publicKey, checkpoint.signature),
    name,
  }
}

function makeKey(db: Database): string {
  const { privateKey } = generateKeyPairSync('ed25519')
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  db.prepare<[string]>(`INSERT INTO audit_key (id, private_key) VALUES (1, ?)`).run(pem)
  return pem
}
