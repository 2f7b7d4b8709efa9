/** Wakes whoever waits for a change. */
export interface News {
  /** Resolves at the next change: to be taken before looking, so that none is missed. */
  next(): Promise<void>
  tell(): void
}

export function createNews(): News {
  let waiting = Promise.withResolvers<void>()
  return {
    next: () => waiting.promise,
    tell() {
      waiting.resolve()
      waiting = Promise.withResolvers()
    },
  }
}
