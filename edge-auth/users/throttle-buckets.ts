/** Failures of one subject. */
export interface Bucket {
  /** Session times, oldest first; never more than the limit. */
  failures: number[]
  /** Attempts under way: each may become a failure. */
  underWay: number
  lockedUntil: number
  /** Blocks in a row, without a success or a long rest between them. */
  blocks: number
}

export interface Buckets {
  /** Made when there is none. */
  get(subject: string): Bucket
  find(subject: string): Bucket | undefined
  remove(matches: (subject: string) => boolean): void
}

/** Strangers choose the subjects, so there are at most `max`; what was not used for longest goes first. */
export function createBuckets(max: number): Buckets {
  const buckets = new Map<string, Bucket>()

  const makeRoom = (): void => {
    for (const [subject, { underWay }] of buckets) {
      if (buckets.size < max) return
      if (underWay === 0) buckets.delete(subject)
    }
  }
  return {
    get(subject) {
      const known = buckets.get(subject)
      if (known) buckets.delete(subject)
      else makeRoom()
      const bucket = known ?? { failures: [], underWay: 0, lockedUntil: 0, blocks: 0 }
      buckets.set(subject, bucket)
      return bucket
    },
    find: (subject) => buckets.get(subject),
    remove(matches) {
      for (const subject of buckets.keys()) if (matches(subject)) buckets.delete(subject)
    },
  }
}
