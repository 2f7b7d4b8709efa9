import type { Read } from './claims.ts'

/** Tokens whose signature was found good, by their exact text. */
export interface Verified {
  get(token: string): Read | undefined
  add(token: string, read: Read): void
  clear(): void
}

/** More than the people and apps of one box present; what was not asked for longest goes first. */
const halfSize = 2048

/** Two halves: what is asked for moves to the young one, and the old one is dropped when that is full. */
export function createVerified(): Verified {
  let young = new Map<string, Read>()
  let old = new Map<string, Read>()

  const add = (token: string, read: Read): void => {
    if (young.size >= halfSize) {
      old = young
      young = new Map()
    }
    young.set(token, read)
  }
  return {
    get(token) {
      const found = young.get(token)
      if (found) return found
      const older = old.get(token)
      if (older) add(token, older)
      return older
    },
    add,
    clear() {
      young.clear()
      old.clear()
    },
  }
}
