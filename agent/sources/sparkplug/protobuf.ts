/** The bytes are no protocol buffers, or not those of a Sparkplug payload. */
export class Malformed extends Error {}

/** One field of a message: a number for the wire type 0, else the bytes. */
export interface Field {
  number: number
  value: bigint | Buffer
}

/** The fields of a message in their order, the outermost level only. Throws `Malformed`. */
export function* fieldsOf(message: Buffer): Generator<Field> {
  for (let at = 0; at < message.length; ) {
    const tag = varint(message, at)
    const number = Number(tag.value >> 3n)
    if (number === 0 || number > 0x1fff_ffff) throw new Malformed(`field number ${number}`)
    const { value, next } = valueAt(message, tag.next, Number(tag.value & 7n))
    at = next
    yield { number, value }
  }
}

function valueAt(message: Buffer, at: number, wireType: number): { value: bigint | Buffer; next: number } {
  if (wireType === 0) return varint(message, at)
  if (wireType === 1) return bytes(message, at, 8)
  if (wireType === 5) return bytes(message, at, 4)
  if (wireType !== 2) throw new Malformed(`wire type ${wireType}`)
  const { value: length, next } = varint(message, at)
  return bytes(message, next, Number(length))
}

function bytes(message: Buffer, at: number, length: number): { value: Buffer; next: number } {
  if (length > message.length - at) throw new Malformed('a field is longer than its message')
  return { value: message.subarray(at, at + length), next: at + length }
}

/** At most 64 bits; what a longer one has beyond is no number of any type. */
function varint(message: Buffer, at: number): { value: bigint; next: number } {
  let low = 0
  for (let digit = 0; digit < 4; digit++) {
    const byte = byteAt(message, at + digit)
    low += (byte & 0x7f) * 2 ** (7 * digit)
    if (byte < 0x80) return { value: BigInt(low), next: at + digit + 1 }
  }
  let value = BigInt(low)
  for (let digit = 4; digit < 10; digit++) {
    const byte = byteAt(message, at + digit)
    value |= BigInt(byte & 0x7f) << BigInt(7 * digit)
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), next: at + digit + 1 }
  }
  throw new Malformed('a number has more than 64 bits')
}

function byteAt(message: Buffer, at: number): number {
  const byte = message[at]
  if (byte === undefined) throw new Malformed('it ends within a number')
  return byte
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function textOf({ value, number }: Field): string {
  try {
    return decoder.decode(bytesOf({ value, number }))
  } catch (cause) {
    throw new Malformed(`the text of field ${number}`, { cause })
  }
}

export function bytesOf({ value, number }: Field): Buffer {
  if (typeof value === 'bigint') throw new Malformed(`field ${number} is a number`)
  return value
}

export function numberOf({ value, number }: Field): bigint {
  if (typeof value !== 'bigint') throw new Malformed(`field ${number} is no number`)
  return value
}

export function floatOf(field: Field, size: 4 | 8): number {
  const value = bytesOf(field)
  if (value.length !== size) throw new Malformed(`field ${field.number} has ${value.length} bytes`)
  return size === 4 ? value.readFloatLE(0) : value.readDoubleLE(0)
}

/** Of a repeated field, which may come in one piece. */
export function numbersOf(field: Field): bigint[] {
  if (typeof field.value === 'bigint') return [field.value]
  const found: bigint[] = []
  for (let at = 0; at < field.value.length; ) {
    const { value, next } = varint(field.value, at)
    found.push(value)
    at = next
  }
  return found
}

/** A field of the wire type 0 or 2. */
export function field(number: number, value: bigint | Uint8Array): Buffer {
  if (typeof value === 'bigint') return Buffer.concat([digits(BigInt(number) << 3n), digits(value)])
  return Buffer.concat([digits((BigInt(number) << 3n) | 2n), digits(BigInt(value.length)), value])
}

function digits(value: bigint): Buffer {
  const found: number[] = []
  let left = BigInt.asUintN(64, value)
  while (left > 0x7fn) {
    found.push(Number(left & 0x7fn) | 0x80)
    left >>= 7n
  }
  return Buffer.from([...found, Number(left)])
}
