import Type, { type Static } from 'typebox'
import { parser } from '../core/schema.ts'

/** Hub → agent: exactly the batches that are committed. Ranges are inclusive. */
export const Ack = Type.Object({
  epoch: Type.String({ pattern: '^[0-9a-f]{16}$' }),
  ranges: Type.Array(Type.Tuple([Type.Integer({ minimum: 0 }), Type.Integer({ minimum: 0 })])),
  /** Epoch milliseconds at the hub. */
  time: Type.Integer(),
})
export type Ack = Static<typeof Ack>
export type Range = readonly [from: number, to: number]

export const parseAck = parser(Ack)

/** Hub → agent: a new data source configuration is to be fetched. */
export const ConfigurationAnnouncement = Type.Object({ id: Type.String(), eTag: Type.String() })
export type ConfigurationAnnouncement = Static<typeof ConfigurationAnnouncement>
export const parseConfigurationAnnouncement = parser(ConfigurationAnnouncement)

/** Sequence numbers, in any order and with repeats, as the fewest ranges. */
export function toRanges(seqs: Iterable<number>): Range[] {
  const sorted = [...new Set(seqs)].sort((a, b) => a - b)
  const ranges: [number, number][] = []
  for (const seq of sorted) {
    const last = ranges.at(-1)
    if (last && last[1] === seq - 1) last[1] = seq
    else ranges.push([seq, seq])
  }
  return ranges
}
