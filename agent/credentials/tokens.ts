import type { Clock } from '../../core/clock.ts'
import type { AgentToken } from '../../protocol/token.ts'

export interface AccessToken {
  token: string
  /** On the monotonic clock: fetch or reconnect then (80 % of the life). */
  renewAt: number
  /** On the monotonic clock. */
  expiresAt: number
}

/** The access token in use; however many ask, one request is under way. */
export interface AccessTokens {
  /** From memory until `renewAt`. An abort ends the waiting, not the request that others wait for too. */
  get(signal?: AbortSignal): Promise<AccessToken>
  /** A token that came another way. `requestedAt` is on the monotonic clock. */
  put(answer: AgentToken, requestedAt: number): AccessToken
  /** The far side did not take this token. */
  forget(token: string): void
  /** None that there is serves any more. */
  clear(): void
}

export function createAccessTokens(request: () => Promise<AgentToken>, clock: Clock): AccessTokens {
  let cached: AccessToken | undefined
  let flight: Promise<AccessToken> | undefined

  const put = ({ access_token, expires_in }: AgentToken, requestedAt: number): AccessToken => {
    const lifeMs = expires_in * 1000
    cached = { token: access_token, renewAt: requestedAt + 0.8 * lifeMs, expiresAt: requestedAt + lifeMs }
    return cached
  }

  const fetched = async () => {
    const requestedAt = clock.monotonic()
    return put(await request(), requestedAt)
  }

  return {
    put,
    async get(signal) {
      signal?.throwIfAborted()
      if (cached && clock.monotonic() < cached.renewAt) return cached
      flight ??= fetched().finally(() => {
        flight = undefined
      })
      return unlessAborted(flight, signal)
    },
    forget(token) {
      if (cached?.token === token) cached = undefined
    },
    clear() {
      cached = undefined
    },
  }
}

async function unlessAborted<T>(result: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return result
  const abort = Promise.withResolvers<never>()
  const onAbort = () => abort.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([result, abort.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
