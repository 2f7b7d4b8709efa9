import type { Arrival, Outcome } from './intake.ts'

/** Arrivals that come while a commit is in flight share the next one, since each costs an fsync. */
export interface CommitQueue {
  /** Resolves when the arrival's transaction is on disk. */
  add(arrival: Arrival): Promise<Outcome>
  isBusy(): boolean
}

interface Waiting {
  arrival: Arrival
  resolve(outcome: Outcome): void
  reject(error: unknown): void
}

/** So that nobody waits long for a transaction that others have made large. */
const maxArrivals = 256
const maxBytes = 1024 * 1024

export function createCommitQueue(commit: (arrivals: Arrival[]) => Promise<Outcome[]>): CommitQueue {
  const queue: Waiting[] = []
  let running = false

  async function run(): Promise<void> {
    running = true
    while (queue.length > 0) await commitTogether(queue.splice(0, nextGroup()))
    running = false
  }

  /** At least one, whatever its size. */
  function nextGroup(): number {
    let size = 0
    const end = queue.findIndex(({ arrival }, k) => {
      size += arrival.payload.length
      return k > 0 && (k >= maxArrivals || size > maxBytes)
    })
    return end < 0 ? queue.length : end
  }

  async function commitTogether(group: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await commit(group.map(({ arrival }) => arrival))
      for (const [k, { resolve }] of group.entries()) resolve(outcomes[k] as Outcome)
    } catch (error) {
      for (const { reject } of group) reject(error)
    }
  }

  return {
    add(arrival) {
      const { promise, resolve, reject } = Promise.withResolvers<Outcome>()
      queue.push({ arrival, resolve, reject })
      if (!running) void run()
      return promise
    },
    isBusy: () => running,
  }
}
