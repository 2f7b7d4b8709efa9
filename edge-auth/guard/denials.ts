import type { Clock } from '../../core/clock.ts'
import type { Audit, Refused } from '../audit/audit.ts'

/** Tells the audit of who was not let in, but not of each picture that a page asks for. */
export interface Denials {
  accessDenied(refused: Refused & { target: string | undefined; method: string | undefined }): void
  forwardedHeaderIgnored(refused: Refused & { headers: readonly string[] }): void
  /** The administration was asked for something that the user's roles do not give. */
  notPermitted(refused: Refused & { category: string; act: string }): void
}

/** What a user was refused. */
export interface Denial {
  user: string | undefined
  reason: string | undefined
  clientId?: string | undefined
  requestId?: string | undefined
  path?: string | undefined
  method?: string | undefined
  category?: string
  act?: string
}

const pick = ({ user, reason, clientId, requestId }: Refused): Denial => ({
  ...{ user, reason, clientId, requestId },
})

/** The same is said again after this. */
const quietMs = 60_000
/** Strangers choose the keys: a full memory is emptied. */
const maxKnown = 1_024

export function createDenials({
  audit,
  clock,
  remember,
}: {
  audit: Pick<Audit, 'accessDenied' | 'forwardedHeaderIgnored'>
  clock: Clock
  /** Each, for the user who was refused. */
  remember(refused: Denial): void
}): Denials {
  const last = new Map<string, { at: number; unsaid: number }>()

  /** How many went unsaid since the last time; undefined when this one is not said either. */
  const due = (...key: (string | undefined)[]): number | undefined => {
    const name = key.join('\n')
    const known = last.get(name)
    if (known && clock.monotonic() - known.at < quietMs) {
      known.unsaid++
      return undefined
    }
    if (last.size >= maxKnown) last.clear()
    last.set(name, { at: clock.monotonic(), unsaid: 0 })
    return known?.unsaid ?? 0
  }

  return {
    accessDenied({ target, method, ...refused }) {
      const path = target?.split('?', 1)[0]?.slice(0, 256)
      remember({ ...pick(refused), path, method: method?.slice(0, 20) })
      const unsaid = due(refused.user, refused.address, refused.clientId, refused.reason, path)
      if (unsaid === undefined) return
      audit.accessDenied({ ...refused, detail: { path, method: method?.slice(0, 20), unsaid } })
    },
    forwardedHeaderIgnored({ headers, ...refused }) {
      const unsaid = due('forwarded', refused.address)
      if (unsaid !== undefined) audit.forwardedHeaderIgnored({ ...refused, detail: { headers, unsaid } })
    },
    notPermitted({ category, act, ...refused }) {
      remember({ ...pick(refused), reason: 'permission_missing', category, act })
      const unsaid = due('permission', refused.user, category, act)
      if (unsaid === undefined) return
      audit.accessDenied({ ...refused, reason: 'permission_missing', detail: { category, act, unsaid } })
    },
  }
}
