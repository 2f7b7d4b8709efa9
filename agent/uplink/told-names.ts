import type { Name } from '../../protocol/message.ts'

/**
 * Which names the far side of this connection has: those of messages that it acknowledged. On the next
 * connection all are told again, since the far side may have been restored from a backup meanwhile.
 */
export interface ToldNames {
  /** Those that still have to travel. */
  untold(epoch: string, names: readonly Name[]): readonly Name[]
  told(epoch: string, names: readonly Name[]): void
}

/** A backlog goes through one epoch after the other and comes back to none. */
const epochsKept = 4

export function createToldNames(): ToldNames {
  /** The epoch last told is the last. */
  const byEpoch = new Map<string, Set<number>>()

  return {
    untold(epoch, names) {
      const told = byEpoch.get(epoch)
      return told === undefined ? names : names.filter(([alias]) => !told.has(alias))
    },
    told(epoch, names) {
      const told = byEpoch.get(epoch) ?? new Set()
      for (const [alias] of names) told.add(alias)
      byEpoch.delete(epoch)
      byEpoch.set(epoch, told)
      const [longestUnused] = byEpoch.keys()
      if (byEpoch.size > epochsKept && longestUnused !== undefined) byEpoch.delete(longestUnused)
    },
  }
}
