import type { Outbox } from '../agent/test-outbox.ts'
import { decodeBody, type Runs } from '../protocol/columns.ts'
import type { Message } from '../protocol/message.ts'
import type { Value } from '../protocol/reading.ts'

/** The batches of a message, by seq. */
export function batchesOf({ seq, names, body }: Message): Map<number, Runs> {
  const texts = new Map(names)
  const { batches } = decodeBody(body, (alias) => texts.get(alias))
  return new Map(batches.map((runs, k) => [seq + k, runs]))
}

/** What the batches of a message hold, by seq. */
export const valuesByBatch = (message: Message): Map<number, Value[]> =>
  new Map([...batchesOf(message)].map(([seq, runs]) => [seq, valuesOf(runs)]))

export const valuesOf = (runs: Runs): Value[] =>
  runs.flatMap(({ readings }) => readings.map(({ value }) => value))

/** All that an outbox would still deliver: `epoch/seq` → values. */
export async function allPending(outbox: Pick<Outbox, 'pending'>): Promise<Map<string, Value[]>> {
  const all = new Map<string, Value[]>()
  for (let after = 0; ; ) {
    const given = await outbox.pending({ after, limit: 100, maxBytes: 100_000 })
    for (const message of given)
      for (const [seq, values] of valuesByBatch(message)) all.set(`${message.epoch}/${seq}`, values)
    const last = given.at(-1)
    if (last === undefined) return all
    after = last.position + last.count - 1
  }
}
