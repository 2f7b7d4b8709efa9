import type { DataPoint } from '../../protocol/data-source-configuration.ts'
import { qualityName } from '../../protocol/reading.ts'
import type { Sample } from './source.ts'

/** A sample as a person is shown it; fits into JSON. */
export interface ShownSample {
  source: string
  point: string
  name: string
  unit?: string
  /** A number beyond 2^53 as its digits. */
  value: string | number | boolean | null
  /** OPC UA's word. */
  quality: string
  reason?: string
  /** Epoch milliseconds: when it was taken. */
  time: number
}

export function shownSample(
  source: string,
  { id, name, unit }: Pick<DataPoint, 'id' | 'name' | 'unit'>,
  { value, quality, reason, time }: Sample,
): ShownSample {
  return {
    ...{ source, point: id, name, ...(unit ? { unit } : {}) },
    value: typeof value === 'bigint' ? exact(value) : value,
    ...{ quality: qualityName(quality), ...(reason === undefined ? {} : { reason }), time },
  }
}

const exact = (value: bigint): string | number =>
  Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
