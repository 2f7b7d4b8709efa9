// Apart from the schemas: a thread that asks no more than this is not to load them.

/** Of a command on its box; from `executed` on, nothing changes it any more. */
export const boxStates = ['received', 'executing', 'executed', 'failed', 'rejected', 'expired'] as const
export type BoxState = (typeof boxStates)[number]
export const isFinal = (state: string): boolean =>
  ['executed', 'failed', 'rejected', 'expired', 'cancelled'].includes(state)
