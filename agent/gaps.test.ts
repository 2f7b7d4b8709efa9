import { expect, test } from 'vitest'
import type { Gap } from '../protocol/gap.ts'
import { gapOperation } from './gaps.ts'
import type { OutboxStats, SourceCount } from './outbox/index.ts'

/** The operation over a ledger of so many rows. */
function ledger(rows: number, sources: SourceCount[] = []) {
  const kept = Array.from({ length: rows }, (_, k): Gap => {
    return { id: rows - k, epoch: '00'.repeat(8), reason: 'quota', since: 0, until: 0 }
  })
  return gapOperation({
    gaps: async ({ before = Number.POSITIVE_INFINITY, limit }) =>
      kept.filter(({ id }) => id < before).slice(0, limit),
    stats: async () => ({ sources }) as unknown as OutboxStats,
  })
}

test('rows come in pages, the newest first, each once', async () => {
  const gaps = ledger(120)
  const seen: number[] = []
  let pages = 0
  for (let before: number | undefined; ; pages++) {
    const page = await gaps(before === undefined ? {} : { before })
    seen.push(...page.gaps.map(({ id }) => id))
    before = page.next
    if (before === undefined) break
  }
  expect(pages).toBe(2)
  expect(seen).toEqual(Array.from({ length: 120 }, (_, k) => 120 - k))
  expect((await ledger(50)({})).next).toBeUndefined()
  expect((await gaps({ limit: 1_000 })).gaps).toHaveLength(120)
  await expect(gaps({ limit: 0 })).rejects.toThrow('limit')
  await expect(gaps({ after: 1 })).rejects.toThrow('unknown after')
})

test('a source balances when all that it produced is delivered, waiting or lost', async () => {
  const count = { source: 'press', produced: 10, delivered: 4, waiting: 3 }
  const { sources } = await ledger(0, [
    { ...count, lost: { quota: 2, refused: 1 } },
    { ...count, lost: { quota: 2 } },
  ])({})
  expect(sources.map(({ balanced }) => balanced)).toEqual([true, false])
})
