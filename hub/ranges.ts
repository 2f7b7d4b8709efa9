import type { Range } from '../protocol/ack.ts'

/** The same numbers as the fewest ranges, in order. */
export function merged(ranges: Iterable<Range>): Range[] {
  const result: [number, number][] = []
  for (const [from, to] of [...ranges].sort(([a], [b]) => a - b)) {
    const last = result.at(-1)
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to)
    else result.push([from, to])
  }
  return result
}

/** What of a range is in none of `taken`, which stand in order. */
export function without([from, to]: Range, taken: readonly Range[]): Range[] {
  const left: Range[] = []
  let at = from
  for (let k = firstEnding(taken, from); k < taken.length; k++) {
    const [first, last] = taken[k] as Range
    if (first > to) break
    if (first > at) left.push([at, first - 1])
    at = last + 1
  }
  if (at <= to) left.push([at, to])
  return left
}

/** The index of the first range that ends at a number or later. */
function firstEnding(ranges: readonly Range[], number: number): number {
  let [low, high] = [0, ranges.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ranges[middle] as Range)[1] < number) low = middle + 1
    else high = middle
  }
  return low
}

/** How many numbers are in ranges that do not overlap. */
export const countIn = (ranges: readonly Range[]): number =>
  ranges.reduce((count, [from, to]) => count + to - from + 1, 0)

export const holds = (ranges: readonly Range[], number: number): boolean =>
  ranges.some(([from, to]) => from <= number && number <= to)
