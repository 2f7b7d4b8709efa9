import type { DataPointType } from '../../../protocol/data-source-configuration.ts'
import { isBad } from '../../../protocol/reading.ts'
import type { Sample } from '../source.ts'
import { typed } from '../typed.ts'
import type { Scale } from './schema.ts'

/** Turns a raw number into one in the unit of the point. */
export type Scaling = (raw: number) => number

export function scalingOf({ factor = 1, offset = 0, from, to, clamp = false }: Scale): Scaling {
  return from && to ? betweenRanges(from, to, clamp) : linear(factor, offset)
}

/**
 * Scales a Good or Uncertain number, and gives it the type of the point: INT and LONG are rounded half
 * away from zero, which happens nowhere but here; beyond their range it is Bad.
 */
export function scaled(sample: Sample, scaling: Scaling, type: DataPointType): Sample {
  const { value, quality } = sample
  if ((typeof value !== 'number' && typeof value !== 'bigint') || isBad(quality)) return sample
  const result = scaling(Number(value))
  const fitting = typed(type === 'DOUBLE' ? result : roundHalfAway(result), type)
  return isBad(fitting.quality) ? { ...sample, ...fitting } : { ...sample, value: fitting.value }
}

const roundHalfAway = (value: number): number => Math.sign(value) * Math.round(Math.abs(value))

/**
 * 0.1 is no number of a computer, but 1 and 10 are: computed with whole numbers, 3 × 0.1 is 0.3 and not
 * 0.30000000000000004, which nobody wants to read and which takes four times the space.
 */
function linear(factor: number, offset: number): Scaling {
  const denominator = denominators.find((each) => isWhole(factor, each) && isWhole(offset, each))
  if (denominator === undefined) return (raw) => raw * factor + offset + 0
  const times = Math.round(factor * denominator)
  const plus = Math.round(offset * denominator)
  return (raw) => (raw * times + plus) / denominator + 0 // no negative zero
}

const denominators = Array.from({ length: 10 }, (_, decimals) => 10 ** decimals)
const isWhole = (value: number, denominator: number): boolean =>
  Math.round(value * denominator) / denominator === value

function betweenRanges(
  [low, high]: readonly [number, number],
  [toLow, toHigh]: readonly [number, number],
  clamp: boolean,
): Scaling {
  const [least, most] = low < high ? [low, high] : [high, low]
  return (raw) => {
    const value = clamp ? Math.min(most, Math.max(least, raw)) : raw
    if (value === high) return toHigh
    return toLow + ((value - low) * (toHigh - toLow)) / (high - low) + 0
  }
}
