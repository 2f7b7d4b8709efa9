import { deflateRawSync } from 'node:zlib'
import { type Body, type Columns, maxScale, type Run, type Runs } from './columns-format.ts'
import { type Reading, statusCode } from './reading.ts'

export { decodeBody } from './columns-decoding.ts'
export type { Body, Run, Runs } from './columns-format.ts'
export { maxScale } from './columns-format.ts'

/** Fewer values of a point are shorter as they are. */
const minScaled = 4
/** Differences of two such stay exact. */
const maxScaledValue = 2 ** 52

export function encodeBody({ batches, boot }: Body, aliasOf: (text: string) => number): Buffer {
  return deflateRawSync(JSON.stringify(toColumns(batches, boot, aliasOf)))
}

function toColumns(
  batches: readonly Runs[],
  boot: string | undefined,
  aliasOf: (text: string) => number,
): Columns {
  const runs = batches.flat()
  const readings = runs.flatMap((run) => run.readings)
  const aliases = readings.map(({ point }) => aliasOf(point))
  const scales = scalesOf(readings, aliases)
  const time = readings[0]?.time ?? 0
  const d: number[] = []
  const i: number[] = []
  const v: Columns['v'] = []
  const q: [number, number][] = []
  const l: number[] = []
  const m: [number, number][] = []
  const scaledBefore = new Map<number, number>()
  let before = { time, alias: 0 }
  for (const [k, reading] of readings.entries()) {
    const { value, quality, monotonic } = reading
    const alias = aliases[k] as number
    d.push(reading.time - before.time)
    i.push(alias - before.alias)
    before = { time: reading.time, alias }
    const scale = scales.get(alias)
    if (typeof value === 'bigint') {
      l.push(k)
      v.push(value.toString())
    } else if (typeof value === 'number' && scale !== undefined) {
      const scaled = Math.round(value * 10 ** scale)
      v.push(scaled - (scaledBefore.get(alias) ?? 0))
      scaledBefore.set(alias, scaled)
    } else v.push(value)
    if (quality !== statusCode.good) q.push([k, quality])
    if (monotonic !== undefined) m.push([k, monotonic])
  }
  return {
    s: batches.map((batch) => batch.flatMap((run) => [aliasOf(run.source), run.readings.length])),
    f: firstNumbers(runs, aliasOf),
    t: time,
    ...{ d, i, v },
    ...(scales.size > 0 ? { e: byScale(scales) } : {}),
    ...(q.length > 0 ? { q } : {}),
    ...(l.length > 0 ? { l } : {}),
    ...(m.length > 0 && boot !== undefined ? { b: boot, m } : {}),
  }
}

function firstNumbers(runs: readonly Run[], aliasOf: (text: string) => number): [number, number][] {
  const firsts = new Map<number, number>()
  for (const { source, first } of runs) if (!firsts.has(aliasOf(source))) firsts.set(aliasOf(source), first)
  return [...firsts]
}

/** The decimals that make all numbers of a point whole, where it has enough of them and there are any. */
function scalesOf(readings: readonly Reading[], aliases: readonly number[]): Map<number, number> {
  const found = new Map<number, { scale: number; count: number }>()
  for (const [k, { value }] of readings.entries()) {
    if (typeof value !== 'number') continue
    const alias = aliases[k] as number
    const point = found.get(alias)
    if (point === undefined) found.set(alias, { scale: scaleOf(value, 0), count: 1 })
    else {
      point.count++
      point.scale = scaleOf(value, point.scale)
    }
  }
  const scales = new Map<number, number>()
  for (const [alias, { scale, count }] of found)
    if (count >= minScaled && scale <= maxScale) scales.set(alias, scale)
  return scales
}

/** The fewest decimals from `scale` on that give the value back exactly; beyond `maxScale` when none do. */
export function scaleOf(value: number, scale: number): number {
  for (; scale <= maxScale; scale++) {
    const scaled = Math.round(value * 10 ** scale)
    if (Math.abs(scaled) > maxScaledValue || Object.is(value, -0)) return maxScale + 1
    if (scaled / 10 ** scale === value) break
  }
  return scale
}

function byScale(scales: ReadonlyMap<number, number>): number[][] {
  const groups: number[][] = []
  for (const [alias, scale] of scales) {
    while (groups.length <= scale) groups.push([])
    groups[scale]?.push(alias)
  }
  return groups.map((group) => group.sort((a, b) => a - b).map((alias, k) => alias - (group[k - 1] ?? 0)))
}
