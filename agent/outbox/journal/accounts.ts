import type { GapReason } from '../../../protocol/gap.ts'
import type { SourceCount } from '../stats.ts'

/** What became of the readings of each source in this epoch: produced = delivered + waiting + lost. */
export interface Accounts {
  /** Number of the next reading of a source. */
  nextOf(source: string): number
  take(source: string, readings: number): void
  deliver(source: string, readings: number): void
  /** Readings that had been taken. */
  lose(source: string, reason: GapReason, readings: number): void
  /** Readings that got no number. */
  passOver(source: string, reason: GapReason, readings: number): void
  all(): SourceCount[]
}

interface Account extends SourceCount {
  next: number
}

export function createAccounts(): Accounts {
  const accounts = new Map<string, Account>()

  function of(source: string): Account {
    let account = accounts.get(source)
    if (account === undefined) {
      account = { source, produced: 0, delivered: 0, waiting: 0, lost: {}, next: 1 }
      accounts.set(source, account)
    }
    return account
  }

  return {
    nextOf: (source) => accounts.get(source)?.next ?? 1,
    take(source, readings) {
      const account = of(source)
      account.next += readings
      account.produced += readings
      account.waiting += readings
    },
    deliver(source, readings) {
      const account = of(source)
      account.waiting -= readings
      account.delivered += readings
    },
    lose(source, reason, readings) {
      const account = of(source)
      account.waiting -= readings
      account.lost[reason] = (account.lost[reason] ?? 0) + readings
    },
    passOver(source, reason, readings) {
      const account = of(source)
      account.produced += readings
      account.lost[reason] = (account.lost[reason] ?? 0) + readings
    },
    all: () =>
      [...accounts.values()].map(({ next: _, lost, ...account }) => ({ ...account, lost: { ...lost } })),
  }
}
