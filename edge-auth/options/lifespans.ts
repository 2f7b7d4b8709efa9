import type { SessionPolicy } from '../sessions/session-policy.ts'
import { bodyTokenLifespan, cookieLifespan, lifespans, tokenLifespan } from './known.ts'
import type { Options } from './options.ts'

/**
 * The policy of the configuration, with what the options say at this moment. A token that is to live
 * shorter than it takes to its renewal is renewed after half its life; where nothing is renewed, the
 * session lives as long as its token.
 */
export function livePolicy(configured: SessionPolicy, options: Pick<Options, 'whole'>): SessionPolicy {
  const asked = (key: string): number | undefined => {
    const seconds = options.whole(lifespans, key)
    return seconds === undefined ? undefined : seconds * 1000
  }
  const capped = (lifespanMs: number): number =>
    configured.renewalMs === undefined ? lifespanMs : Math.min(lifespanMs, configured.absoluteMs)
  return {
    ...configured,
    get lifespanMs() {
      return capped(asked(tokenLifespan) ?? configured.lifespanMs)
    },
    get bodyLifespanMs() {
      const lifespanMs = asked(bodyTokenLifespan)
      return lifespanMs === undefined ? undefined : capped(lifespanMs)
    },
    get absoluteMs() {
      if (configured.renewalMs !== undefined) return configured.absoluteMs
      return asked(tokenLifespan) ?? configured.absoluteMs
    },
    get renewalMs() {
      const { renewalMs } = configured
      return renewalMs === undefined ? undefined : Math.min(renewalMs, this.lifespanMs / 2)
    },
  }
}

/** Of a token of a person that is made now. */
export const longestLifespanMs = ({ lifespanMs, bodyLifespanMs }: SessionPolicy): number =>
  Math.max(lifespanMs, bodyLifespanMs ?? 0)

/** How long a browser is to keep the cookie, in seconds; undefined: until it is closed. */
export function cookieSeconds(options: Pick<Options, 'whole'>): number | undefined {
  const seconds = options.whole(lifespans, cookieLifespan)
  return seconds === undefined || seconds < 0 ? undefined : seconds
}
