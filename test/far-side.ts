import { isDeepStrictEqual } from 'node:util'
import type { Outbox } from '../agent/test-outbox.ts'
import type { Clock } from '../core/clock.ts'
import type { Runs } from '../protocol/columns.ts'
import type { Gap } from '../protocol/gap.ts'
import type { Value } from '../protocol/reading.ts'
import { batchesOf, valuesOf } from './batches.ts'

/**
 * A hub in a few lines: keeps each batch once by its name, and answers as a bad network would let it: in
 * time, late, twice, for a part, or not at all.
 */
export interface FarSide {
  /** Takes what the outbox gives, until aborted. */
  run(outbox: Outbox, signal: AbortSignal): Promise<void>
  values(): Value[]
  /** Batches that came again as something else. */
  readonly changed: readonly string[]
  /** Rows of loss ledgers. */
  readonly gaps: readonly Gap[]
  /** Numbers that no batch held and no gap explains, as `epoch source number`. */
  missing(): string[]
}

export interface FarSideConfig {
  /** Of the answers, so many are lost. */
  forgets: number
  /** Between a commit and its answer, at most. */
  lateMs: number
}

export function createFarSide(
  { clock, draw }: { clock: Clock; draw: () => number },
  { forgets, lateMs }: FarSideConfig,
): FarSide {
  const committed = new Map<string, Runs>()
  const changed: string[] = []
  const gaps = new Map<string, Gap>()

  function commit(name: string, runs: Runs): void {
    const before = committed.get(name)
    if (before && !isDeepStrictEqual(before, runs)) changed.push(name)
    committed.set(name, before ?? runs)
  }

  async function answer(outbox: Outbox, epoch: string, [from, to]: [number, number]): Promise<void> {
    if (draw() < 0.5) await clock.sleep(draw() * lateMs)
    if (draw() < forgets) return
    const part = from + Math.floor(draw() * (to - from + 1))
    const range = draw() < 0.1 ? ([from, part] as const) : ([from, to] as const)
    await outbox.acknowledge(epoch, [range])
    if (draw() < 0.1) await outbox.acknowledge(epoch, [range])
  }

  async function takeBatches(outbox: Outbox, after: number): Promise<number> {
    const given = await outbox.pending({ after, limit: 8, maxBytes: 20_000 })
    for (const message of given) {
      const { epoch, seq, count } = message
      for (const [each, runs] of batchesOf(message)) commit(`${epoch} ${each}`, runs)
      await answer(outbox, epoch, [seq, seq + count - 1])
    }
    const last = given.at(-1)
    return last === undefined ? 0 : last.position + last.count - 1
  }

  async function takeGaps(outbox: Outbox): Promise<void> {
    const report = await outbox.pendingGaps(100)
    if (report === undefined) return
    for (const row of report.rows) gaps.set(`${report.ledger} ${row.id}`, row)
    if (draw() < forgets) return
    const ids = report.rows.map(({ id }) => id)
    await outbox.acknowledgeGaps(report.ledger, [[Math.min(...ids), Math.max(...ids)]])
  }

  return {
    async run(outbox, signal) {
      let pending = Promise.withResolvers<void>()
      outbox.onPending(() => pending.resolve())
      for (let after = 0; !signal.aborted; ) {
        await Promise.race([pending.promise, clock.sleep(lateMs, signal).catch(() => {})])
        pending = Promise.withResolvers()
        after = await takeBatches(outbox, after)
        await takeGaps(outbox)
      }
    },
    values: () => [...committed.values()].flatMap(valuesOf),
    changed,
    get gaps() {
      return [...gaps.values()]
    },
    missing: () => missingNumbers(committed, [...gaps.values()]),
  }
}

function missingNumbers(committed: ReadonlyMap<string, Runs>, gaps: readonly Gap[]): string[] {
  const received = new Map<string, Set<number>>()
  for (const [name, runs] of committed)
    for (const { source, first, readings } of runs) {
      const key = `${name.slice(0, 16)} ${source}`
      const numbers = received.get(key) ?? new Set()
      received.set(key, numbers)
      for (const k of readings.keys()) numbers.add(first + k)
    }
  const missing: string[] = []
  for (const [key, numbers] of received) {
    const explaining = gaps.filter(
      ({ epoch, source }) => key.startsWith(epoch) && (source === undefined || key === `${epoch} ${source}`),
    )
    const highest = [...numbers].reduce((max, n) => Math.max(max, n), 0)
    for (let n = 1; n <= highest; n++)
      if (!numbers.has(n) && !explaining.some((gap) => explains(gap, n))) missing.push(`${key} ${n}`)
  }
  return missing
}

/** A row without a source, as after a crash, explains whatever its epoch lacks. */
const explains = ({ source, first, last }: Gap, n: number): boolean =>
  source === undefined || (first !== undefined && last !== undefined && first <= n && n <= last)
