import type { Losses } from '../frame.ts'
import type { Accounts } from './accounts.ts'
import type { Acknowledgements, Part, Taken } from './acknowledgements.ts'
import type { Epoch, Epochs } from './epochs.ts'
import type { Count, FrameHead, FrameRow, frameTable } from './frame-table.ts'
import type { Loss } from './gap-table.ts'
import type { Ledger } from './ledger.ts'
import { epochAt } from './position.ts'
import type { tallyTable } from './tally-table.ts'

/** Frames that a transaction takes off the disk before their time. */
export interface Dropped {
  heads: FrameHead[]
  lost: { epoch: Epoch; reason: Loss['reason']; left: Taken }[]
}

/**
 * The frames on disk and how many they are. What changes the disk is called within a transaction; what it
 * means for memory is told by `settled…` when that has been committed.
 */
export interface Stock {
  count(): Count
  add(rows: readonly FrameRow[]): FrameRow[]
  /** The same batches in one frame. */
  replace(heads: readonly FrameHead[], row: FrameRow): void
  /** Removes frames and says in the ledger what of them is lost: all that was not acknowledged, unless said. */
  drop(heads: readonly FrameHead[], reason: Loss['reason'], lostOf?: (head: FrameHead) => Taken): Dropped
  /** `next`: frames below are counted for the next start. */
  saveTally(next: number): void
  /** After the commit. */
  committed(dropped?: Dropped): Losses
  /** After a failure. */
  rolledBack(): void
}

export interface StockDeps {
  frames: ReturnType<typeof frameTable>
  tallies: ReturnType<typeof tallyTable>
  ledger: Ledger
  epochs: Epochs
  accounts: Accounts
  acknowledgements: Acknowledgements
}

export function createStock(deps: StockDeps, onDisk: Count): Stock {
  const { frames, tallies, ledger, epochs, accounts, acknowledgements } = deps
  /** As of the last commit, and within the transaction. */
  let kept = onDisk
  let changed = onDisk

  function change(sign: 1 | -1, { batches, readings }: Count): void {
    changed = { batches: changed.batches + sign * batches, readings: changed.readings + sign * readings }
  }

  function remember({ heads, lost }: Dropped): Losses {
    const losses: Losses = {}
    for (const { position } of heads) acknowledgements.forget(position)
    for (const { epoch, reason, left } of lost) {
      losses[reason] = (losses[reason] ?? 0) + left.readings
      if (epoch.id !== epochs.current.id) continue
      for (const { source, readings } of left.parts) accounts.lose(source, reason, readings)
    }
    return losses
  }

  return {
    count: () => kept,
    add(rows) {
      const added = rows.filter((row) => frames.add(row))
      for (const row of added) change(1, row)
      return added
    },
    replace(heads, row) {
      for (const { position } of heads) frames.remove(position)
      frames.add(row)
    },
    drop(heads, reason, lostOf = acknowledgements.left) {
      const dropped: Dropped = { heads: [...heads], lost: [] }
      const losses: Loss[] = []
      for (const head of heads) {
        const left = lostOf(head)
        const epoch = epochs.byId(epochAt(head.position)) as Epoch
        const span = { since: head.since, until: head.since }
        if (left.batches > 0) dropped.lost.push({ epoch, reason, left })
        losses.push(...left.parts.map((part) => lossOf(part, { epoch: epoch.name, reason, ...span })))
        frames.remove(head.position)
        change(-1, head)
      }
      ledger.add(joined(losses))
      return dropped
    },
    saveTally(next) {
      const above = frames.countFrom(next)
      tallies.save({
        next,
        batches: changed.batches - above.batches,
        readings: changed.readings - above.readings,
      })
    },
    committed(dropped) {
      kept = changed
      return dropped ? remember(dropped) : {}
    },
    rolledBack() {
      changed = kept
    },
  }
}

export const lossOf = (
  { source, first, readings }: Part,
  rest: Pick<Loss, 'epoch' | 'reason' | 'since' | 'until'>,
): Loss => ({ ...rest, source, first, last: first + readings - 1, count: readings })

/** Those that follow each other as one, so that the ledger is not asked for each frame. */
function joined(losses: readonly Loss[]): Loss[] {
  const open = new Map<string, Loss>()
  const done: Loss[] = []
  for (const loss of losses) {
    const key = `${loss.epoch}${loss.reason}${loss.source}`
    const before = open.get(key)
    if (before?.last !== undefined && before.last + 1 === loss.first) {
      before.last = loss.last as number
      before.count = (before.count as number) + (loss.count as number)
      before.since = Math.min(before.since, loss.since)
      before.until = Math.max(before.until, loss.until)
      continue
    }
    const begun = { ...loss }
    open.set(key, begun)
    done.push(begun)
  }
  return done
}
