import Type, { type Static } from 'typebox'
import { Invalid } from '../core/errors.ts'
import type { ReadingStore } from './store/index.ts'

/** How the loss ledger of an agent is asked for, over HTTP and on the command line. */
export const GapsQuery = Type.Object({
  /** `next` of the page before. */
  after: Type.Optional(Type.String()),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
})

const Counts = Type.Record(Type.String(), Type.Integer())

export const GapsPage = Type.Object({
  /** The newest first. */
  gaps: Type.Array(
    Type.Object({
      /** Absent: any source of the epoch. */
      source: Type.Optional(Type.String()),
      epoch: Type.String(),
      /** Numbers of the lost readings within epoch and source; absent where they got none. */
      first: Type.Optional(Type.Integer()),
      last: Type.Optional(Type.Integer()),
      /** Absent: not known. */
      count: Type.Optional(Type.Integer()),
      reason: Type.String(),
      /** ISO 8601: in this span it happened. */
      since: Type.String(),
      until: Type.String(),
    }),
  ),
  /** By source: produced = received + lost + missing. On the first page only. */
  balance: Type.Optional(
    Type.Array(
      Type.Object({
        /** Null: lost without a word of which source. */
        source: Type.Union([Type.String(), Type.Null()]),
        produced: Type.Integer(),
        received: Type.Integer(),
        /** By reason. */
        lost: Counts,
        /** Neither received nor explained: still on the way, or a fault. */
        missing: Type.Integer(),
      }),
    ),
  ),
  /** Absent on the last page. */
  next: Type.Optional(Type.String()),
})

export async function queryGaps(
  store: ReadingStore,
  agentId: string,
  { after, limit = 1000 }: Static<typeof GapsQuery>,
): Promise<Static<typeof GapsPage>> {
  const before = after === undefined ? {} : { before: parseRow(after) }
  const [rows, balance] = await Promise.all([
    store.gaps({ agentId, ...before, limit: limit + 1 }),
    after === undefined ? store.balance(agentId) : undefined,
  ])
  const last = rows.length > limit ? rows[limit - 1] : undefined
  return {
    gaps: rows.slice(0, limit).map(({ row: _row, id: _id, since, until, ...gap }) => ({
      ...gap,
      since: new Date(since).toISOString(),
      until: new Date(until).toISOString(),
    })),
    ...(balance === undefined ? {} : { balance }),
    ...(last === undefined ? {} : { next: String(last.row) }),
  }
}

function parseRow(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new Invalid('after: not what a page has given out')
  return Number(text)
}
