import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { Invalid } from '../core/errors.ts'
import { parseJson } from '../core/json.ts'

/**
 * A batch is what one commit window of the box holds. (epoch, seq) names it for ever: seq grows by one
 * within an epoch, and an epoch ends when the sequence cannot be proven to continue.
 */
export interface BatchName {
  /** 16 lower-case hex digits. */
  epoch: string
  seq: number
}

/** The text of a source or point that the bodies of an epoch name by its alias. It never changes. */
export type Name = readonly [alias: number, text: string]

/**
 * Consecutive batches as they travel together. How they were put together is of no account: the far side
 * keeps or drops each batch by its own name, so that another time they may come in other company.
 *
 * Version (1 byte, 2), epoch (8 bytes), seq of the first batch (8 bytes, big endian), number of batches
 * (2 bytes), length of the names (4 bytes), names, body (columns.ts). All of it stands outside what is
 * deflated, so that batches that cannot be understood can still be named.
 */
export interface Message extends BatchName {
  /** Number of batches: `seq` … `seq + count - 1`. */
  count: number
  /** Those that the far side has not yet acknowledged. */
  names: readonly Name[]
  /** Deflated columns. */
  body: Uint8Array
}

const version = 2
const headerBytes = 23
const maxNamesBytes = 16 * 1024 * 1024

export function encodeMessage({ epoch, seq, count, names, body }: Message): Buffer {
  const deflated = names.length === 0 ? Buffer.alloc(0) : deflateRawSync(JSON.stringify(names))
  const header = Buffer.alloc(headerBytes)
  header.writeUInt8(version, 0)
  header.write(epoch, 1, 8, 'hex')
  header.writeBigUInt64BE(BigInt(seq), 9)
  header.writeUInt16BE(count, 17)
  header.writeUInt32BE(deflated.length, 19)
  return Buffer.concat([header, deflated, body])
}

/** Which batches a payload claims to hold. Throws `Invalid` for anything but the header of a message. */
export function decodeHeader(payload: Buffer): BatchName & { count: number } {
  if (payload.length < headerBytes) throw new Invalid(`message of ${payload.length} bytes has no header`)
  if (payload[0] !== version)
    throw new Invalid(`message of version ${payload[0]}; this release knows ${version}`)
  const seq = payload.readBigUInt64BE(9)
  const count = payload.readUInt16BE(17)
  if (seq + BigInt(count) > BigInt(Number.MAX_SAFE_INTEGER))
    throw new Invalid(`batch sequence ${seq} is out of range`)
  if (count === 0) throw new Invalid('message without a batch')
  return { epoch: payload.toString('hex', 1, 9), seq: Number(seq), count }
}

/** Throws `Invalid` for anything but a message; its body is not looked into. */
export function decodeMessage(payload: Buffer): Message {
  const header = decodeHeader(payload)
  const bodyAt = headerBytes + payload.readUInt32BE(19)
  if (bodyAt > payload.length) throw new Invalid('message is shorter than its names')
  return { ...header, names: namesIn(payload.subarray(headerBytes, bodyAt)), body: payload.subarray(bodyAt) }
}

function namesIn(deflated: Buffer): Name[] {
  if (deflated.length === 0) return []
  const names = parseJson(inflate(deflated), 'names of a message')
  if (!Array.isArray(names)) throw new Invalid('names of a message: / must be array')
  const at = names.findIndex((name) => !isName(name))
  if (at >= 0) throw new Invalid(`names of a message: /${at} must be an alias and its text`)
  return names
}

/** By hand: the hub's thread of the store needs no other schema, and would load all that there is for them. */
const isName = (name: unknown): name is Name =>
  Array.isArray(name) &&
  name.length === 2 &&
  Number.isSafeInteger(name[0]) &&
  name[0] >= 0 &&
  typeof name[1] === 'string'

function inflate(deflated: Buffer): string {
  try {
    return inflateRawSync(deflated, { maxOutputLength: maxNamesBytes }).toString()
  } catch (cause) {
    throw new Invalid(`names of a message do not inflate: ${(cause as Error).message}`, { cause })
  }
}
