import type { Shared } from './source.ts'

/** Things that several sources hold together, by key. */
export interface Sharing {
  share<T extends AsyncDisposable>(key: string, open: () => T): Shared<T>
}

export function createSharing(): Sharing {
  const held = new Map<string, { value: AsyncDisposable; holders: number }>()
  return {
    share<T extends AsyncDisposable>(key: string, open: () => T): Shared<T> {
      const found = held.get(key) ?? { value: open(), holders: 0 }
      held.set(key, found)
      found.holders++
      let letGo = false
      return {
        value: found.value as T,
        async [Symbol.asyncDispose]() {
          if (letGo) return
          letGo = true
          if (--found.holders > 0) return
          held.delete(key)
          await found.value[Symbol.asyncDispose]()
        },
      }
    },
  }
}
