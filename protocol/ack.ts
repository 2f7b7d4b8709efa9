import Type, { type Static } from 'typebox'
import { parser } from '../core/schema.ts'

const Name16 = Type.String({ pattern: '^[0-9a-f]{16}$' })
const Ranges = Type.Array(Type.Tuple([Type.Integer({ minimum: 0 }), Type.Integer({ minimum: 0 })]))

/** Hub → agent: exactly the batches that are committed. Ranges are inclusive. */
export const Ack = Type.Object({
  epoch: Name16,
  ranges: Ranges,
  /** Epoch milliseconds at the hub. */
  time: Type.Integer(),
})
export type Ack = Static<typeof Ack>
export type Range = readonly [from: number, to: number]

/** Hub → agent, on the same topic: exactly the rows of a loss ledger (gap.ts) that are committed, by id. */
export const GapAck = Type.Object({ ledger: Name16, ranges: Ranges, time: Type.Integer() })
export type GapAck = Static<typeof GapAck>

export const parseAck = parser(Type.Union([Ack, GapAck]))

/** Hub → agent: a new data source configuration is to be fetched. */
export const ConfigurationAnnouncement = Type.Object({ id: Type.String(), eTag: Type.String() })
export type ConfigurationAnnouncement = Static<typeof ConfigurationAnnouncement>
export const parseConfigurationAnnouncement = parser(ConfigurationAnnouncement)

/** Numbers, in any order and with repeats, as the fewest ranges. */
export function toRanges(numbers: Iterable<number>): Range[] {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b)
  const ranges: [number, number][] = []
  for (const number of sorted) {
    const last = ranges.at(-1)
    if (last && last[1] === number - 1) last[1] = number
    else ranges.push([number, number])
  }
  return ranges
}
