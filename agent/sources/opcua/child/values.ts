import { DataType, type DataValue, type StatusCode, type Variant, VariantArrayType } from 'node-opcua-client'
import type { WireKind, WireValue } from '../messages.ts'

/** Turns what the stack decoded into what crosses to the other process. */
export function wireValue(
  item: number,
  { value, statusCode, sourceTimestamp, serverTimestamp }: DataValue,
  isElement: boolean,
): WireValue {
  const told = isBad(statusCode) ? nothing : raw(value, isElement)
  const sourceTime = time(sourceTimestamp)
  const serverTime = time(serverTimestamp)
  return {
    item,
    ...told,
    status: statusCode.value,
    ...(statusCode.isGood() ? {} : { name: nameOf(statusCode) }),
    ...(sourceTime === undefined ? {} : { sourceTime }),
    ...(serverTime === undefined ? {} : { serverTime }),
  }
}

export const badItem = (item: number, statusCode: StatusCode): WireValue => ({
  ...{ item, kind: 'scalar', value: null, status: statusCode.value, name: nameOf(statusCode) },
})

/** Without the bits that say more about the value. */
export const nameOf = (statusCode: StatusCode): string => statusCode.name.replace(/[^A-Za-z].*$/, '')

const isBad = ({ value }: StatusCode): boolean => value >>> 30 >= 2

type Raw = Pick<WireValue, 'kind' | 'value'>
const nothing: Raw = { kind: 'scalar', value: null }
const unfit = (kind: WireKind): Raw => ({ kind, value: null })

function raw(variant: Variant | undefined, isElement: boolean): Raw {
  if (!variant || variant.value === null || variant.value === undefined) return nothing
  const { dataType, arrayType, value } = variant
  if (arrayType === VariantArrayType.Scalar) return scalar(dataType, value)
  // An index range of one element gives an array of one.
  if (isElement && value.length === 1) return scalar(dataType, value[0])
  return unfit('array')
}

function scalar(type: DataType, value: unknown): Raw {
  const convert = conversions[type]
  if (convert === undefined) return unfit('structure')
  return value === null || value === undefined ? nothing : { kind: 'scalar', value: convert(value) }
}

const asIs = (value: unknown) => value as number | string | boolean
const asText = (value: unknown) => String(value)

/** By data type; what has no entry is no single value. */
const conversions: { readonly [T in DataType]?: (value: unknown) => WireValue['value'] } = {
  [DataType.Boolean]: asIs,
  [DataType.SByte]: asIs,
  [DataType.Byte]: asIs,
  [DataType.Int16]: asIs,
  [DataType.UInt16]: asIs,
  [DataType.Int32]: asIs,
  [DataType.UInt32]: asIs,
  [DataType.Int64]: (value) => BigInt.asIntN(64, bits(value)),
  [DataType.UInt64]: (value) => bits(value),
  [DataType.Float]: asIs,
  [DataType.Double]: asIs,
  [DataType.String]: asIs,
  [DataType.DateTime]: (value) => (value as Date).toISOString(),
  [DataType.Guid]: asText,
  [DataType.ByteString]: (value) => Buffer.from(value as Uint8Array).toString('base64'),
  [DataType.XmlElement]: asIs,
  [DataType.NodeId]: asText,
  [DataType.ExpandedNodeId]: asText,
  [DataType.StatusCode]: (value) => (value as StatusCode).value,
  [DataType.QualifiedName]: asText,
  [DataType.LocalizedText]: (value) => (value as { text: string | null }).text,
}

/** The stack has 64 bits as [high, low]. */
function bits(value: unknown): bigint {
  const [high, low] = value as [number, number]
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)
}

/** The stack, as some servers, says "no time" as the first of all. */
function time(date: Date | null | undefined): number | undefined {
  const at = date?.getTime()
  return at === undefined || !Number.isFinite(at) || at <= noTime ? undefined : at
}

/** Year 1601. */
const noTime = -11_644_473_600_000
