/** What went up since the start of the process. */
export interface Traffic {
  messages: number
  batches: number
  /** Of batches, as the outbox keeps them. */
  bytes: number
  /** How often the far side let us in, and how often a session or the way to one failed. */
  connections: number
  failures: number
}

export const noTraffic = (): Traffic => ({
  ...{ messages: 0, batches: 0, bytes: 0 },
  ...{ connections: 0, failures: 0 },
})
