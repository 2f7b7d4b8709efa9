import { datatype } from './datatype.ts'
import { field } from './protobuf.ts'

export interface Given {
  name?: string
  alias?: bigint
  timestamp?: bigint
  datatype?: number
  isHistorical?: boolean
  isNull?: boolean
  /** Number of the value's field, and the value. */
  value?: [number: number, value: bigint | Uint8Array | Fixed]
  properties?: Uint8Array
}

/** Bytes of a wire type of their own. */
export interface Fixed {
  fixed: Buffer
}

export const float = (value: number): Fixed => {
  const fixed = Buffer.alloc(4)
  fixed.writeFloatLE(value)
  return { fixed }
}

export const double = (value: number): Fixed => {
  const fixed = Buffer.alloc(8)
  fixed.writeDoubleLE(value)
  return { fixed }
}

export const text = (value: string): Buffer => Buffer.from(value)

export function any(number: number, value: bigint | Uint8Array | Fixed): Buffer {
  if (typeof value === 'bigint' || value instanceof Uint8Array) return field(number, value)
  const tag = field(number, 0n).subarray(0, -1)
  const wire = tag.with(0, (tag[0] as number) | (value.fixed.length === 4 ? 5 : 1))
  return Buffer.concat([wire, value.fixed])
}

export function metric({ value, properties, ...given }: Given): Buffer {
  const parts: Buffer[] = []
  if (given.name !== undefined) parts.push(field(1, text(given.name)))
  if (given.alias !== undefined) parts.push(field(2, given.alias))
  if (given.timestamp !== undefined) parts.push(field(3, given.timestamp))
  if (given.datatype !== undefined) parts.push(field(4, BigInt(given.datatype)))
  if (given.isHistorical) parts.push(field(5, 1n))
  if (given.isNull) parts.push(field(7, 1n))
  if (properties) parts.push(field(9, properties))
  if (value) parts.push(any(...value))
  return Buffer.concat(parts)
}

export function payload(
  { seq, timestamp }: { seq?: bigint; timestamp?: bigint },
  ...metrics: readonly Given[]
): Buffer {
  return Buffer.concat([
    ...(timestamp === undefined ? [] : [field(1, timestamp)]),
    ...metrics.map((each) => field(2, metric(each))),
    ...(seq === undefined ? [] : [field(3, seq)]),
  ])
}

export const int32 = (name: string, value: number, more: Partial<Given> = {}): Given => ({
  ...{ name, datatype: datatype.int32, value: [10, BigInt.asUintN(32, BigInt(value))] },
  ...more,
})
