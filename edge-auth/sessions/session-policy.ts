/** How long sessions live. `renewalMs` < `lifespanMs` < `absoluteMs`, unless there is no renewal. */
export interface SessionPolicy {
  /** No session lives longer, however often it is renewed. */
  absoluteMs: number
  /** A token older than this is renewed when it is used; undefined: never. */
  renewalMs: number | undefined
  /** Life of one token: a session that is not used for so long ends. */
  lifespanMs: number
  /** The same of a token that a script gets in the body of an answer; undefined: as any other. */
  bodyLifespanMs?: number | undefined
  /** The token before the newest stays good for this long: requests are under way with it. */
  renewalDelayMs: number
  /** Of one user; the oldest ends. */
  maxPerUser: number
  /** A session is good only for the user agent that opened it. */
  checkUserAgent: boolean
}
