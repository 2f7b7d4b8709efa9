import type { Clock } from '../../core/clock.ts'
import type { Denial } from './denials.ts'

/** One request that a user was refused. */
export type DeniedRequest = Omit<Denial, 'user'> & {
  /** By the clock of the box. */
  readonly at: number
  /** As the hub or NTP has proven it; absent while nobody has. */
  readonly serverTime?: number
}

/** What each user was refused last, for himself to see; gone with the process. */
export interface DeniedRequests {
  remember(denial: Denial): void
  /** Newest first. */
  of(user: string): readonly DeniedRequest[]
  forget(user: string): void
}

export interface DeniedRequestsDeps {
  clock: Pick<Clock, 'now'>
  /** The proven time, while there is one. */
  correctedNow?: (() => number | undefined) | undefined
}

const perUser = 100
/** Who was refused last stays. */
const maxUsers = 256

export function createDeniedRequests({ clock, correctedNow }: DeniedRequestsDeps): DeniedRequests {
  const users = new Map<string, DeniedRequest[]>()
  return {
    remember({ user, ...denial }) {
      if (user === undefined) return // nobody could ask for it
      const serverTime = correctedNow?.()
      const at = {
        at: clock.now(),
        ...(serverTime === undefined ? {} : { serverTime: Math.round(serverTime) }),
      }
      const known = users.get(user) ?? []
      users.delete(user)
      users.set(user, [{ ...denial, ...at }, ...known.slice(0, perUser - 1)])
      for (const oldest of users.keys()) if (users.size > maxUsers) users.delete(oldest)
    },
    of: (user) => users.get(user) ?? [],
    forget: (user) => void users.delete(user),
  }
}
