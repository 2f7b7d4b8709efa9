import type { Clock } from '../../core/clock.ts'
import type { TechnicalClaims } from '../tokens/claims.ts'
import type { Tokens } from '../tokens/tokens.ts'
import { scopesOf, writeTimeSeries } from './access.ts'
import type { Apps } from './apps.ts'
import { isForThisBox, type TechnicalTokens } from './technical-tokens.ts'

/** What an app signs in with where a protocol has a name and a password: its secret, or a token of its own. */
export interface AppPasswords {
  check(clientId: string, password: string): Promise<boolean>
  /** Tells when a token that was taken is good no more, until aborted. */
  run(signal: AbortSignal): Promise<void>
}

export interface AppPasswordsDeps {
  apps: Apps
  tokens: Tokens
  technical: TechnicalTokens
  clock: Clock
}

/** How late the end of a token is noticed where it was taken. */
const lookEveryMs = 5_000

export function createAppPasswords(deps: AppPasswordsDeps): AppPasswords {
  const { apps, tokens, technical, clock } = deps
  /** Tokens that opened something, by jti. */
  const taken = new Map<string, TechnicalClaims>()

  technical.onRevocation(({ jti, client_id }) => {
    if (taken.delete(jti)) apps.changed(client_id)
  })

  const byToken = async (clientId: string, token: string): Promise<boolean> => {
    const read = await tokens.read(token)
    if (read?.is !== 'technical' || read.claims.client_id !== clientId) return false
    const { claims } = read
    const owner = isForThisBox(claims) ? technical.owner(claims) : undefined
    // A connection may do all that its app may: one that was opened by a token for less would do more.
    const isForLess =
      owner && scopesOf(owner.app).includes(writeTimeSeries) && !claims.scp.includes(writeTimeSeries)
    if (!owner || isForLess) return false
    taken.set(claims.jti, claims)
    return true
  }

  return {
    check: async (clientId, password) =>
      apps.authenticate(clientId, password) || (await byToken(clientId, password)),
    async run(signal) {
      while (!signal.aborted) {
        for (const [jti, claims] of taken) {
          if (technical.owner(claims)) continue
          taken.delete(jti)
          apps.changed(claims.client_id)
        }
        await clock.sleep(lookEveryMs, signal).catch(() => {}) // aborted
      }
    },
  }
}
