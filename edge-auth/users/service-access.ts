import type { Clock } from '../../core/clock.ts'
import { Conflict, NotFound } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { Audit } from '../audit/audit.ts'
import type { SessionTime } from '../sessions/session-time.ts'
import type { User } from '../store/index.ts'
import type { Passwords } from './passwords.ts'
import type { Checks, Users } from './users.ts'

/** Says to the people around the box that something stands open. */
export interface Alarms {
  raise(code: string, message: string): void
  clear(code: string): void
}

/**
 * Users for who comes to help, for a day at most. At the end of its time such a user is nobody at once, and
 * is removed within a minute. While there is one, an alarm stands.
 */
export interface ServiceAccess {
  /** The password is made here, and nowhere else. */
  open(asked: ServiceAccessAsked, checks: Checks): Promise<{ user: User; password: string }>
  /** Throws `NotFound` for other users. */
  close(name: string, checks: Checks): Promise<void>
  list(): User[]
  /** Removes those whose time is over, until aborted. */
  run(signal: AbortSignal): Promise<void>
}

export interface ServiceAccessAsked {
  role: string
  hours: number
  owner: string | null
}

export interface ServiceAccessDeps {
  users: Users
  passwords: Pick<Passwords, 'generate' | 'hash'>
  clock: Clock
  random: Random
  time: Pick<SessionTime, 'now' | 'onClock'>
  audit: Pick<Audit, 'serviceAccess'>
  alarms: Alarms
  log: Logger
}

export const alarmCode = 'service_access_open'
export const maxServiceHours = 24
const maxOpen = 8
const hourMs = 3_600_000
const lookEveryMs = 60_000

export function createServiceAccess(deps: ServiceAccessDeps): ServiceAccess {
  const { users, passwords, clock, random, time, audit, alarms, log } = deps
  const list = (): User[] => users.list().filter(({ validUntil }) => validUntil !== null)

  /** Only the daemon has somebody to tell. */
  let running = false
  const announce = (): void => {
    if (!running) return
    const names = list().map(({ name }) => name)
    if (names.length === 0) alarms.clear(alarmCode)
    else alarms.raise(alarmCode, `service access is open: ${names.join(', ')}`)
  }
  const end = async (name: string, reason: 'closed' | 'ended', checks: Checks = {}): Promise<void> => {
    await users.remove(name, { ...checks, also: () => [audit.serviceAccess(name, reason)] })
    announce()
  }
  const sweep = async (): Promise<void> => {
    for (const { name, validUntil } of list())
      if ((validUntil as number) <= time.now()) await end(name, 'ended')
  }
  const untilNextMs = (): number => {
    const ends = list().map(({ validUntil }) => (validUntil as number) - time.now())
    return Math.max(0, Math.min(lookEveryMs, ...ends))
  }

  return {
    list,
    async open({ role, hours, owner }, checks) {
      if (list().length >= maxOpen) throw new Conflict(`service access is open ${maxOpen} times already`)
      const password = passwords.generate()
      const passwordHash = await passwords.hash(password)
      const name = `service-${random.bytes(6).toString('hex')}`
      const validUntil = time.now() + hours * hourMs
      const until = new Date(time.onClock(validUntil)).toISOString()
      const also = () => [audit.serviceAccess(name, 'opened', { role, until })]
      const asked = { name, roles: [role], passwordHash, owner, validUntil }
      const user = await users.add(asked, false, { ...checks, also })
      announce()
      return { user, password }
    },
    async close(name, checks) {
      if (users.get(name).validUntil === null) throw new NotFound(`${name} is no service access`)
      await end(name, 'closed', checks)
    },
    async run(signal) {
      running = true
      announce()
      while (!signal.aborted) {
        await sweep().catch((err) => log.error({ err }, 'service access not removed'))
        await clock.sleep(Math.max(1_000, untilNextMs()), signal).catch(() => {}) // aborted
      }
    },
  }
}
