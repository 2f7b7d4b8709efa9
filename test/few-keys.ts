import type { KeyObject } from 'node:crypto'
import { type Random, systemRandom } from '../core/random.ts'

/** Real randomness, but its RSA keys come back in turn, so that hundreds of boxes need not find their own. */
export function fewKeys(count = 8): Random {
  const found = new Map<string, Promise<KeyObject>>()
  let drawn = 0
  return {
    ...systemRandom,
    rsaKey(bits) {
      const turn = `${bits}/${drawn++ % count}`
      const key = found.get(turn) ?? systemRandom.rsaKey(bits)
      found.set(turn, key)
      return key
    },
  }
}
