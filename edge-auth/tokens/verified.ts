import type { Read } from './claims.ts'

/** Tokens whose signature was found good, by their exact text. */
export interface Verified {
  get(token: string): Read | undefined
  add(token: string, read: Read): void
  clear(): void
}

/** More than the people and apps of one box present; what was not asked for longest goes first. */
const halfSize = 2048
/** Most of a signature: no two tokens share it, and to hash all of a token takes ten times as long. */
const tailLength = 64

/** Two halves: what is asked for moves to the young one, and the old one is dropped when that is full. */
export function createVerified(): Verified {
  let young = new Map<string, { token: string; read: Read }>()
  let old: typeof young = new Map()

  const add = (token: string, read: Read): void => {
    if (young.size >= halfSize) {
      old = young
      young = new Map()
    }
    young.set(token.slice(-tailLength), { token, read })
  }
  return {
    get(token) {
      const tail = token.slice(-tailLength)
      const found = young.get(tail)
      if (found?.token === token) return found.read
      const older = old.get(tail)
      if (older?.token !== token) return undefined
      add(token, older.read)
      return older.read
    },
    add,
    clear() {
      young.clear()
      old.clear()
    },
  }
}
