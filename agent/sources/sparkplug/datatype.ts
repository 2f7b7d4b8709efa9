import { Malformed } from './protobuf.ts'

/** Numbers of the specification. */
export const datatype = {
  int8: 1,
  int16: 2,
  int32: 3,
  int64: 4,
  uint8: 5,
  uint16: 6,
  uint32: 7,
  uint64: 8,
  float: 9,
  double: 10,
  boolean: 11,
  string: 12,
  dateTime: 13,
  text: 14,
  uuid: 15,
  dataSet: 16,
  bytes: 17,
  file: 18,
  template: 19,
  int8Array: 22,
  int16Array: 23,
  int32Array: 24,
  int64Array: 25,
  uint8Array: 26,
  uint16Array: 27,
  uint32Array: 28,
  uint64Array: 29,
  floatArray: 30,
  doubleArray: 31,
  booleanArray: 32,
  stringArray: 33,
  dateTimeArray: 34,
} as const

/** A value as it stands on the wire: bigint for int_value and long_value. */
export type WireValue = bigint | number | boolean | string | Buffer | { document: unknown }

/**
 * The value in JSON's terms; whole numbers beyond 2^53 are bigint. Bytes and files are Base64, arrays are
 * arrays. `Malformed` where the value is not of its type.
 */
export function jsonOf(wire: WireValue, type: number | undefined): unknown {
  const read = type === undefined ? undefined : readers.get(type)
  if (read) return read(wire)
  if (type !== undefined && type !== 0) throw new Malformed(`unknown data type ${type}`)
  if (Buffer.isBuffer(wire)) return wire.toString('base64')
  if (typeof wire === 'object') return wire.document
  return typeof wire === 'bigint' ? narrow(wire) : wire
}

const narrow = (value: bigint): number | bigint =>
  Number.isSafeInteger(Number(value)) ? Number(value) : value

type Reader = (wire: WireValue) => unknown

/** Encoders sign-extend small numbers, or do not. */
const signed =
  (bits: number): Reader =>
  (wire) =>
    narrow(BigInt.asIntN(bits, whole(wire)))
const unsigned =
  (bits: number): Reader =>
  (wire) =>
    narrow(BigInt.asUintN(bits, whole(wire)))

function whole(wire: WireValue): bigint {
  if (typeof wire !== 'bigint') throw new Malformed('the value is no whole number')
  return wire
}

const is =
  (type: 'number' | 'boolean' | 'string'): Reader =>
  (wire) => {
    if (typeof wire !== type) throw new Malformed(`the value is no ${type}`)
    return wire
  }

function raw(wire: WireValue): Buffer {
  if (!Buffer.isBuffer(wire)) throw new Malformed('the value is no bytes')
  return wire
}

const base64: Reader = (wire) => raw(wire).toString('base64')

const document: Reader = (wire) => {
  if (typeof wire !== 'object' || Buffer.isBuffer(wire)) throw new Malformed('the value is no document')
  return wire.document
}

const list =
  (size: number, read: (bytes: Buffer, at: number) => unknown): Reader =>
  (wire) => {
    const bytes = raw(wire)
    if (bytes.length % size !== 0) throw new Malformed('an array ends within an element')
    return Array.from({ length: bytes.length / size }, (_, index) => read(bytes, index * size))
  }

/** The number of elements, then a bit for each, the highest of a byte first. */
const booleans: Reader = (wire) => {
  const bytes = raw(wire)
  const count = bytes.length < 4 ? undefined : bytes.readUInt32LE(0)
  if (count === undefined || Math.ceil(count / 8) !== bytes.length - 4)
    throw new Malformed('an array of booleans has another length than it says')
  const bit = (index: number) => ((bytes[4 + (index >> 3)] as number) >> (7 - (index & 7))) & 1
  return Array.from({ length: count }, (_, index) => bit(index) === 1)
}

/** Each ends with a zero byte. */
const strings: Reader = (wire) => {
  const bytes = raw(wire)
  if (bytes.length === 0) return []
  if (bytes.at(-1) !== 0) throw new Malformed('an array of strings has no end')
  return bytes.subarray(0, -1).toString('utf8').split('\0')
}

const {
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  float,
  double,
  boolean,
  dateTime,
  ...others
} = datatype

const readers: ReadonlyMap<number, Reader> = new Map<number, Reader>([
  ...([int8, int16, int32, int64] as const).map((type, at) => [type, signed(8 << at)] as const),
  ...([uint8, uint16, uint32, uint64] as const).map((type, at) => [type, unsigned(8 << at)] as const),
  ...([float, double] as const).map((type) => [type, is('number')] as const),
  [boolean, is('boolean')],
  ...([others.string, others.text, others.uuid] as const).map((type) => [type, is('string')] as const),
  [dateTime, unsigned(64)],
  ...([others.bytes, others.file] as const).map((type) => [type, base64] as const),
  ...([others.dataSet, others.template] as const).map((type) => [type, document] as const),
  [others.int8Array, list(1, (bytes, at) => bytes.readInt8(at))],
  [others.int16Array, list(2, (bytes, at) => bytes.readInt16LE(at))],
  [others.int32Array, list(4, (bytes, at) => bytes.readInt32LE(at))],
  [others.int64Array, list(8, (bytes, at) => narrow(bytes.readBigInt64LE(at)))],
  [others.uint8Array, list(1, (bytes, at) => bytes.readUInt8(at))],
  [others.uint16Array, list(2, (bytes, at) => bytes.readUInt16LE(at))],
  [others.uint32Array, list(4, (bytes, at) => bytes.readUInt32LE(at))],
  [others.uint64Array, list(8, (bytes, at) => narrow(bytes.readBigUInt64LE(at)))],
  [others.floatArray, list(4, (bytes, at) => bytes.readFloatLE(at))],
  [others.doubleArray, list(8, (bytes, at) => bytes.readDoubleLE(at))],
  [others.booleanArray, booleans],
  [others.stringArray, strings],
  [others.dateTimeArray, list(8, (bytes, at) => narrow(bytes.readBigUInt64LE(at)))],
])
