import { createHash, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { Conflict } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { Audit, Sender } from '../audit/audit.ts'
import { admin } from '../permissions/index.ts'
import type { SessionTime } from '../sessions/session-time.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { BreakGlass, Store, User } from '../store/index.ts'
import type { Alarms } from '../users/service-access.ts'
import type { Users } from '../users/users.ts'
import { base32, inFours } from './code.ts'

/**
 * The way in when no other leads in: whoever holds the machine makes a code, and it lets one named Admin
 * in once, whatever became of password, second factor and identity provider. An alarm stands while a code
 * is open, and as long as the session lasts that it has opened.
 */
export interface BreakGlassCodes {
  /** Takes the place of the one before. Throws `NotFound`, and `Conflict` for who is no enabled Admin. */
  make(name: string): Promise<{ code: string; expiresAt: number }>
  /** True once: when this resolves, the code is used up on disk. */
  redeem(user: User | undefined, typed: string, sender: Sender): Promise<boolean>
  /** The session that the code has opened. */
  opened(user: string, session: string): Promise<void>
  /** Removes what is over, and looks after the alarm, until aborted. */
  run(signal: AbortSignal): Promise<void>
}

export interface BreakGlassDeps {
  store: Store
  users: Pick<Users, 'find' | 'get' | 'active' | 'onRemoved'>
  sessions: Pick<Sessions, 'list'>
  clock: Clock
  random: Random
  time: Pick<SessionTime, 'now' | 'onClock'>
  audit: Pick<Audit, 'breakGlass'>
  alarms: Alarms
  log: Logger
}

export const breakGlassAlarm = 'break_glass'
const goodForMs = 15 * 60_000
const lookEveryMs = 60_000

export function createBreakGlass(deps: BreakGlassDeps): BreakGlassCodes {
  const { store, users, sessions, clock, random, time, audit, alarms, log } = deps
  const codes = new Map(store.contents.breakGlass.map((one) => [one.user, one]))
  users.onRemoved((name) => void codes.delete(name)) // on disk it went with the user

  const mayUse = (user: User): boolean =>
    users.active(user) && user.validUntil === null && user.roles.includes(admin)
  const isGood = (user: User, hash: Uint8Array): boolean => {
    const known = codes.get(user.name)
    if (!known?.hash || !timingSafeEqual(known.hash, hash) || time.now() >= known.endsAt) return false
    return users.find(user.name) === user && mayUse(user)
  }

  /** Only the daemon has somebody to tell. */
  let running = false
  const announce = (): void => {
    if (!running) return
    const [open, used] = [[...codes.values()].filter(isOpen), [...codes.values()].filter(isUsed)]
    const said = [
      ...open.map(({ user }) => `a break-glass code for ${user} is open`),
      ...used.map(({ user }) => `${user} is signed in by break glass`),
    ]
    if (said.length === 0) alarms.clear(breakGlassAlarm)
    else alarms.raise(breakGlassAlarm, said.join('; '))
  }

  const isOver = (one: BreakGlass): boolean =>
    isOpen(one) ? time.now() >= one.endsAt : !sessions.list(one.user).some(({ id }) => id === one.session)

  const sweep = async (): Promise<void> => {
    for (const { user } of [...codes.values()].filter(isOver))
      await store.change(async (disk) => {
        const now = codes.get(user)
        if (!now || !isOver(now)) return
        await disk.call('removeBreakGlass', isOpen(now) ? [audit.breakGlass(user, 'expired')] : [], user)
        codes.delete(user)
      })
    announce()
  }

  const put = async (change: Promise<unknown>): Promise<void> => {
    await change
    announce()
  }

  return {
    async make(name) {
      const code = inFours(base32(random.bytes(20)).toLowerCase(), '-')
      const endsAt = time.now() + goodForMs
      const made: BreakGlass = { user: name, hash: hashOf(code), endsAt, session: null }
      await put(
        store.change(async (disk) => {
          if (!mayUse(users.get(name))) throw new Conflict(`${name} is no enabled ${admin}`, 'no_admin')
          await disk.call('putBreakGlass', [audit.breakGlass(name, 'made')], made)
          codes.set(name, made)
        }),
      )
      return { code, expiresAt: time.onClock(endsAt) }
    },
    async redeem(user, typed, sender) {
      const hash = hashOf(typed)
      if (!user || !isGood(user, hash)) return false
      return store.change(async (disk) => {
        if (!isGood(user, hash)) return false // somebody else was first
        const used = { ...(codes.get(user.name) as BreakGlass), hash: null }
        await disk.call('putBreakGlass', [audit.breakGlass(user.name, 'used', sender)], used)
        codes.set(user.name, used)
        return true
      })
    },
    opened: (user, session) =>
      put(
        store.change(async (disk) => {
          const used = codes.get(user)
          if (!used) return
          await disk.call('putBreakGlass', [], { ...used, session })
          codes.set(user, { ...used, session })
        }),
      ),
    async run(signal) {
      running = true
      while (!signal.aborted) {
        await sweep().catch((err) => log.error({ err }, 'break-glass codes not looked after'))
        await clock.sleep(lookEveryMs, signal).catch(() => {}) // aborted
      }
    },
  }
}

const isOpen = ({ hash }: BreakGlass): boolean => hash !== null
const isUsed = (one: BreakGlass): boolean => !isOpen(one)

/** As typed: case, blanks and dashes do not count. */
const hashOf = (typed: string): Uint8Array =>
  createHash('sha256').update(typed.replaceAll(/[\s-]/g, '').toLowerCase()).digest()
