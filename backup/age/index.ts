import type { Random } from '../../core/random.ts'
import { notOurs, tampered, truncated } from '../errors.ts'
import { makeHeader, maxHeaderBytes, openHeader } from './header.ts'
import { payloadKey, seal, tagBytes, unseal } from './keys.ts'

/** The format age v1 (C2SP), for one passphrase: what is written here "age -d" opens too, and the other way round. */
const chunkBytes = 64 * 1024
const nonceBytes = 16

type Bytes = AsyncIterable<Uint8Array>

export async function* encrypt(
  plain: Bytes,
  passphrase: string,
  options: { work: number; random: Random },
): AsyncGenerator<Buffer> {
  const { header, fileKey } = await makeHeader(passphrase, options)
  const nonce = Buffer.from(options.random.bytes(nonceBytes))
  const key = payloadKey(fileKey, nonce)
  yield Buffer.from(header)
  yield nonce
  for await (const { chunk, number, isLast } of chunks(plain, chunkBytes))
    yield seal(key, chunkNonce(number, isLast), chunk)
}

/** Gives nothing that was not checked; where it ends without an error, that was all. */
export async function* decrypt(sealed: Bytes, passphrase: string): AsyncGenerator<Buffer> {
  const { header, rest } = await takeHeader(sealed)
  const fileKey = await openHeader(header, passphrase)
  const body = skipNonce(rest)
  const nonce = (await body.next()).value
  if (nonce?.length !== nonceBytes) throw truncated()
  const key = payloadKey(fileKey, nonce)
  for await (const { chunk, number, isLast } of chunks(body, chunkBytes + tagBytes)) {
    if (chunk.length < tagBytes) throw truncated()
    const plain = unseal(key, chunkNonce(number, isLast), chunk)
    if (plain) {
      // An empty chunk stands only for nothing at all.
      if (plain.length === 0 && number > 0) throw tampered(`part ${number}`)
      yield plain
    } else if (isLast && unseal(key, chunkNonce(number, false), chunk)) throw truncated()
    else
      throw isLast && chunk.length < chunkBytes + tagBytes ? cutOrChanged(number) : tampered(`part ${number}`)
  }
}

/** A last part that does not open may have been cut short as well as changed. */
const cutOrChanged = (number: number) => tampered(`part ${number}, the last one, or it was cut short`)

function chunkNonce(number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUIntBE(number, 5, 6)
  nonce[11] = isLast ? 1 : 0
  return nonce
}

/** Parts of this size; the last may be shorter, and is known for the last only once there is no more. */
async function* chunks(
  bytes: Bytes,
  size: number,
): AsyncGenerator<{ chunk: Buffer; number: number; isLast: boolean }> {
  let held = Buffer.alloc(0)
  let number = 0
  for await (const piece of bytes) {
    held = held.length === 0 ? Buffer.from(piece) : Buffer.concat([held, piece])
    let taken = 0
    for (; held.length - taken > size; taken += size)
      yield { chunk: held.subarray(taken, taken + size), number: number++, isLast: false }
    held = held.subarray(taken)
  }
  yield { chunk: held, number, isLast: true }
}

async function takeHeader(sealed: Bytes): Promise<{ header: string; rest: AsyncGenerator<Buffer> }> {
  const pieces = sealed[Symbol.asyncIterator]()
  let held = Buffer.alloc(0)
  for (;;) {
    const mark = held.indexOf('\n--- ')
    const end = mark === -1 ? -1 : held.indexOf('\n', mark + 1)
    if (end !== -1) {
      const first = held.subarray(end + 1)
      return { header: held.subarray(0, end + 1).toString('latin1'), rest: following(first, pieces) }
    }
    const { value, done } = await pieces.next()
    if (!held.subarray(0, 8).equals(Buffer.from('age-encr').subarray(0, held.length)))
      throw notOurs('it is not encrypted by age')
    if (done) throw truncated()
    if (held.length > maxHeaderBytes) throw notOurs('its header has no end')
    held = Buffer.concat([held, value])
  }
}

async function* following(first: Buffer, pieces: AsyncIterator<Uint8Array>): AsyncGenerator<Buffer> {
  yield first
  for (;;) {
    const { value, done } = await pieces.next()
    if (done) return
    yield Buffer.from(value)
  }
}

/** First the nonce, however the pieces are cut; then the rest as it comes. */
async function* skipNonce(pieces: AsyncGenerator<Buffer>): AsyncGenerator<Buffer, undefined> {
  let held = Buffer.alloc(0)
  for await (const piece of pieces) {
    if (held.length >= nonceBytes) {
      yield piece
      continue
    }
    held = Buffer.concat([held, piece])
    if (held.length < nonceBytes) continue
    yield held.subarray(0, nonceBytes)
    yield held.subarray(nonceBytes)
  }
  return undefined
}
