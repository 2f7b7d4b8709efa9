import { createHash, timingSafeEqual } from 'node:crypto'
import type { Random } from '../../core/random.ts'
import type { Audit } from '../audit/audit.ts'
import type { SessionTime } from '../sessions/session-time.ts'
import type { ResetCode, Store, User } from '../store/index.ts'
import type { Users } from './users.ts'

/**
 * Codes that stand in for a forgotten password on the login page: each opens the choice of a new one, once,
 * for a quarter of an hour. Whatever ends the user's sessions makes his code void.
 */
export interface ResetCodes {
  /** Takes the place of the one before. */
  make(user: User, checks?: { allowed?(): void }): Promise<{ code: string; expiresAt: number }>
  /** True once: when this resolves, the code is used up on disk. */
  redeem(user: User | undefined, typed: string): Promise<boolean>
}

export interface ResetCodesDeps {
  store: Store
  users: Pick<Users, 'find' | 'onRemoved'>
  random: Random
  audit: Pick<Audit, 'resetCodeMade'>
  time: Pick<SessionTime, 'now' | 'onClock'>
}

const goodForMs = 15 * 60_000

export function createResetCodes({ store, users, random, audit, time }: ResetCodesDeps): ResetCodes {
  const codes = new Map(store.contents.resetCodes.map((code) => [code.user, code]))
  users.onRemoved((name) => void codes.delete(name)) // on disk it went with the user

  const isGood = (code: ResetCode | undefined, user: User, hash: Uint8Array): code is ResetCode =>
    code !== undefined &&
    timingSafeEqual(code.hash, hash) &&
    code.userEpoch === users.find(user.name)?.epoch &&
    time.now() < code.endsAt

  return {
    make: ({ name }, { allowed } = {}) =>
      store.change(async (disk) => {
        allowed?.()
        const { epoch } = users.find(name) as User
        const code = (random.bytes(10).toString('hex').match(/.{4}/g) as string[]).join('-')
        const kept = { user: name, hash: hashOf(code), userEpoch: epoch, endsAt: time.now() + goodForMs }
        await disk.call('putResetCode', [audit.resetCodeMade(name)], kept)
        codes.set(name, kept)
        return { code, expiresAt: time.onClock(kept.endsAt) }
      }),
    async redeem(user, typed) {
      const hash = hashOf(typed)
      if (!user || !isGood(codes.get(user.name), user, hash)) return false
      return store.change(async (disk) => {
        if (!isGood(codes.get(user.name), user, hash)) return false // somebody else was first
        await disk.call('removeResetCode', [], user.name)
        codes.delete(user.name)
        return true
      })
    },
  }
}

/** As typed: case and blanks do not count. */
const hashOf = (typed: string): Uint8Array => createHash('sha256').update(typed.trim().toLowerCase()).digest()
