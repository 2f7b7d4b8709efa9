import type { Value } from '../../protocol/reading.ts'

/** What a box has said before its power was cut, and whether what it finds afterwards bears it out. */
export interface Promises {
  take(line: string): void
  broken(pending: ReadonlyMap<string, readonly Value[]>): {
    /** Acknowledged to a producer, and neither here nor at the hub. */
    lost: number[]
    /** Found under two names of batches. */
    twice: number[]
    /** Names of batches that hold something else here than at the hub. */
    renamed: string[]
  }
  /** Whether a batch of this epoch has been given out. */
  knows(epoch: string): boolean
  counts(): { kept: number; committed: number }
}

const numberOf = (value: Value): number => Number.parseInt(String(value), 10)

export function createPromises(): Promises {
  const kept = new Set<number>()
  const committed = new Map<string, readonly Value[]>()
  return {
    take(line) {
      const [what, rest] = [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]
      if (what === 'kept') for (const number of rest.split(',')) kept.add(Number(number))
      if (what !== 'hub') return
      const { epoch, batches } = JSON.parse(rest) as { epoch: string; batches: [number, Value[]][] }
      for (const [seq, values] of batches) committed.set(`${epoch}/${seq}`, values)
    },
    broken(pending) {
      const seen = new Set<number>()
      const twice: number[] = []
      for (const values of new Map([...committed, ...pending]).values())
        for (const number of values.map(numberOf)) {
          if (seen.has(number)) twice.push(number)
          seen.add(number)
        }
      const renamed = [...pending].filter(([name, values]) => {
        const before = committed.get(name)
        return before !== undefined && JSON.stringify(before) !== JSON.stringify(values)
      })
      return { lost: [...kept.difference(seen)], twice, renamed: renamed.map(([name]) => name) }
    },
    knows: (epoch) => [...committed.keys()].some((name) => name.startsWith(epoch)),
    counts: () => ({ kept: kept.size, committed: committed.size }),
  }
}
