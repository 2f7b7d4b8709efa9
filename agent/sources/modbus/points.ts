import { isBad, type Stamp, statusCode } from '../../../protocol/reading.ts'
import type { ConfiguredPoint, Sample } from '../source.ts'
import { bad, typed } from '../typed.ts'
import type { Block, Span } from './blocks.ts'
import { decode, type Encoding, registersOf } from './encoding.ts'
import { isBitTable, type Point, type PointSettings, type SourceSettings } from './settings.ts'
import { createSuspicion, type Suspicion } from './suspicion.ts'

/** A data point and where it lies in the device. */
export interface DevicePoint extends Span {
  id: string
  type: ConfiguredPoint['type']
  /** Undefined for coils and discrete inputs. */
  encoding: Encoding | undefined
  suspicion: Suspicion | undefined
}

export const defaultUnit = 1

/** Of settings that have been checked. */
export function devicePoint(
  { id, type, custom }: ConfiguredPoint<typeof Point>,
  source: SourceSettings,
): DevicePoint {
  const encoding = encodingOf(custom, source)
  return {
    ...{ id, type, encoding, table: custom.table, address: custom.address as number },
    unit: custom.unit ?? source.unit ?? defaultUnit,
    count: encoding ? registersOf(encoding) : 1,
    suspicion: encoding && createSuspicion(encoding),
  }
}

export function encodingOf(custom: PointSettings, source: SourceSettings): Encoding | undefined {
  if (isBitTable(custom.table)) return undefined
  return {
    ...{ type: custom.type ?? 'uint16', bit: custom.bit, length: custom.length },
    byteOrder: custom.byteOrder ?? source.byteOrder ?? 'big',
    wordOrder: custom.wordOrder ?? source.wordOrder ?? 'big',
  }
}

/** What a block's answer says of its points. */
export function samplesOf(block: Block<DevicePoint>, bytes: Uint8Array, taken: Stamp): Sample[] {
  return block.points.map((point) => {
    const at = point.address - block.address
    return { ...read(point, bytes, at), point: point.id, ...taken }
  })
}

function read({ type, count, encoding, suspicion }: DevicePoint, bytes: Uint8Array, at: number) {
  if (!encoding) return typed((((bytes[at >> 3] as number) >> (at & 7)) & 1) === 1, type)
  const registers = bytes.subarray(at * 2, (at + count) * 2)
  const value = typed(decode(registers, encoding), type)
  if (!suspicion?.(registers)) return value
  return {
    value: value.value,
    quality: isBad(value.quality) ? value.quality : statusCode.uncertain,
    reason: 'word_order_suspected',
  }
}

export const badSamples = (
  points: readonly DevicePoint[],
  reason: string,
  quality: number,
  taken: Stamp,
): Sample[] => points.map(({ id }) => ({ ...bad(reason, quality), point: id, ...taken }))
