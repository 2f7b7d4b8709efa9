export const registerTypes = [
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'float32',
  'float64',
  'bit',
  'string',
] as const
export type RegisterType = (typeof registerTypes)[number]

export const orders = ['big', 'little'] as const
export type Order = (typeof orders)[number]

/** How a value lies in registers. */
export interface Encoding {
  type: RegisterType
  /** Within a register. */
  byteOrder: Order
  /** Of the registers of one value. */
  wordOrder: Order
  /** type "bit" only. */
  bit?: number | undefined
  /** type "string" only: bytes. */
  length?: number | undefined
}

export type Raw = number | bigint | boolean | string

const registers: Record<Exclude<RegisterType, 'string'>, number> = {
  ...{ bit: 1, int16: 1, uint16: 1 },
  ...{ int32: 2, uint32: 2, float32: 2 },
  ...{ int64: 4, uint64: 4, float64: 4 },
}

/** How many registers a value takes. */
export const registersOf = ({ type, length = 2 }: Pick<Encoding, 'type' | 'length'>): number =>
  type === 'string' ? Math.ceil(length / 2) : registers[type]

/** Takes the bytes of exactly its registers, as they came. Never throws; a float may be NaN. */
export function decode(bytes: Uint8Array, encoding: Encoding): Raw {
  return readers[encoding.type](inOrder(bytes, encoding), encoding)
}

const readers: Record<RegisterType, (bytes: Buffer, encoding: Encoding) => Raw> = {
  int16: (bytes) => bytes.readInt16BE(),
  uint16: (bytes) => bytes.readUInt16BE(),
  int32: (bytes) => bytes.readInt32BE(),
  uint32: (bytes) => bytes.readUInt32BE(),
  int64: (bytes) => bytes.readBigInt64BE(),
  uint64: (bytes) => bytes.readBigUInt64BE(),
  float32: (bytes) => shortest(bytes.readFloatBE()),
  float64: (bytes) => bytes.readDoubleBE(),
  bit: (bytes, { bit = 0 }) => ((bytes.readUInt16BE() >> bit) & 1) === 1,
  string: (bytes, { length }) => text(bytes.subarray(0, length)),
}

/** A copy with the highest byte first. */
function inOrder(bytes: Uint8Array, { byteOrder, wordOrder, type }: Encoding): Buffer {
  const ordered = Buffer.from(bytes)
  if (byteOrder === 'little') ordered.swap16()
  if (wordOrder === 'big' || type === 'string') return ordered
  for (let low = 0, high = ordered.length - 2; low < high; low += 2, high -= 2) {
    const word = ordered.readUInt16BE(low)
    ordered.writeUInt16BE(ordered.readUInt16BE(high), low)
    ordered.writeUInt16BE(word, high)
  }
  return ordered
}

/** 21.3 as a float32 is 21.299999237060547 as a double; 21.3 is what the device means, and reads back the same. */
function shortest(float: number): number {
  if (!Number.isFinite(float) || float === 0) return float
  const short = [7, 8].map((digits) => Number(float.toPrecision(digits)))
  return short.find((value) => Math.fround(value) === float) ?? Number(float.toPrecision(9))
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Up to the first NUL, without trailing blanks. UTF-8, and Latin-1 where it is not. */
function text(bytes: Buffer): string {
  const end = bytes.indexOf(0)
  const said = end === -1 ? bytes : bytes.subarray(0, end)
  try {
    return utf8.decode(said).trimEnd()
  } catch {
    return said.toString('latin1').trimEnd()
  }
}
