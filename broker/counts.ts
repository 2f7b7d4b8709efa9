/** Why something was denied; a closed set. */
export type Denial =
  | 'not a topic of this app'
  | 'may not write time series'
  | 'over its quota'
  | 'too much retained'
  | 'too much waits for the disk'
  | 'does not read its messages'

/** What all apps together have done since the start. Names of apps and topics are not in it. */
export interface Counts {
  /** Connections that are open. */
  connections: number
  connected: number
  /** Connections whose secret was wrong, and that could not be checked. */
  refused: number
  published: number
  publishedBytes: number
  /** Messages that had to wait for the quota of their app. */
  slowed: number
  denied: Record<Denial, number>
  /** Measurements that could not be kept. */
  notStored: number
}

export const noCounts = (): Counts => ({
  ...{ connections: 0, connected: 0, refused: 0 },
  ...{ published: 0, publishedBytes: 0, slowed: 0, notStored: 0 },
  denied: {
    'not a topic of this app': 0,
    'may not write time series': 0,
    'over its quota': 0,
    'too much retained': 0,
    'too much waits for the disk': 0,
    'does not read its messages': 0,
  },
})
