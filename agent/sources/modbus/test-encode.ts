import { type Encoding, type Raw, registersOf } from './encoding.ts'

/** A value as a device lays it into its registers; by DataView, so that it shares nothing with `decode`. */
export function encode(value: Raw, encoding: Encoding): Uint8Array {
  const bytes = new Uint8Array(registersOf(encoding) * 2)
  write(new DataView(bytes.buffer), value, encoding)
  const words = Array.from({ length: bytes.length / 2 }, (_, at) => [...bytes.subarray(at * 2, at * 2 + 2)])
  if (encoding.wordOrder === 'little' && encoding.type !== 'string') words.reverse()
  if (encoding.byteOrder === 'little') for (const word of words) word.reverse()
  return Uint8Array.from(words.flat())
}

function write(view: DataView, value: Raw, { type, bit = 0 }: Encoding): void {
  if (type === 'bit') view.setUint16(0, value ? 1 << bit : 0xffff ^ (1 << bit))
  else if (type === 'string')
    for (const [at, byte] of new TextEncoder().encode(String(value)).entries()) view.setUint8(at, byte)
  else if (type === 'int64') view.setBigInt64(0, BigInt(value as bigint))
  else if (type === 'uint64') view.setBigUint64(0, BigInt(value as bigint))
  else {
    const set = {
      ...{ int16: 'setInt16', uint16: 'setUint16', int32: 'setInt32', uint32: 'setUint32' },
      ...{ float32: 'setFloat32', float64: 'setFloat64' },
    }[type] as 'setInt16'
    view[set](0, value as number)
  }
}
