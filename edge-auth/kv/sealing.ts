import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import type { Owner } from './token.ts'

/*
 * AES-256-GCM with a key for each content, derived from the box's key and the content's random id. A
 * content is written once, so the number of a chunk is its nonce: a chunk opens only in its content and
 * at its place. The seal of a row has a nonce of its own; it binds the content to owner, names and count.
 */

const algorithm = 'aes-256-gcm'
const tagBytes = 16
const sealNonce = 0xffff_ffff

export interface SealedHead {
  relatedId: Uint8Array
  key: Uint8Array
  chunks: number
  bytes: number
  createdAt: number
  updatedAt: number
}

const derive = (boxKey: Uint8Array, salt: Uint8Array, use: string): Buffer =>
  Buffer.from(hkdfSync('sha256', boxKey, salt, `edgeward kv ${use}`, 32))

/** Tells keys apart and gives nothing away. */
export const keyCheck = (boxKey: Uint8Array): Buffer => derive(boxKey, Buffer.alloc(0), 'check')

/** What one content is sealed with. */
export const contentKey = (boxKey: Uint8Array, content: Uint8Array): Buffer =>
  derive(boxKey, content, 'content')

export const sealChunk = (key: Uint8Array, number: number, plain: Uint8Array): Buffer =>
  seal(key, number, plain, Buffer.alloc(0))

/** Undefined when it is not what was sealed, or not at its place. */
export const openChunk = (key: Uint8Array, number: number, sealed: Uint8Array): Buffer | undefined =>
  open(key, number, sealed, Buffer.alloc(0))

export const sealHead = (key: Uint8Array, owner: Owner, head: SealedHead): Buffer =>
  seal(key, sealNonce, Buffer.alloc(0), headBytes(owner, head))

export const isSealed = (key: Uint8Array, owner: Owner, head: SealedHead, sealed: Uint8Array): boolean =>
  open(key, sealNonce, sealed, headBytes(owner, head)) !== undefined

function seal(key: Uint8Array, number: number, plain: Uint8Array, bound: Uint8Array): Buffer {
  const cipher = createCipheriv(algorithm, key, nonce(number)).setAAD(bound)
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function open(key: Uint8Array, number: number, sealed: Uint8Array, bound: Uint8Array): Buffer | undefined {
  if (sealed.length < tagBytes) return undefined
  const cipher = createDecipheriv(algorithm, key, nonce(number), { authTagLength: tagBytes }).setAAD(bound)
  cipher.setAuthTag(sealed.subarray(-tagBytes))
  const plain = cipher.update(sealed.subarray(0, -tagBytes))
  try {
    cipher.final()
    return plain
  } catch {
    return undefined
  }
}

function nonce(number: number): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt32BE(number, 8)
  return bytes
}

/** Each part behind its length, so that no two heads have the same bytes. */
function headBytes(owner: Owner, { relatedId, key, ...numbers }: SealedHead): Buffer {
  const { chunks, bytes, createdAt, updatedAt } = numbers
  const counted = JSON.stringify([owner.since, chunks, bytes, createdAt, updatedAt])
  return Buffer.concat(
    [Buffer.from(owner.clientId), relatedId, key, Buffer.from(counted)].flatMap((part) => [
      lengthOf(part),
      part,
    ]),
  )
}

function lengthOf(part: Uint8Array): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(part.length)
  return bytes
}
