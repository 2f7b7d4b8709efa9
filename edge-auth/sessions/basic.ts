import { createHmac } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import type { Audit, Sender } from '../audit/audit.ts'
import type { User } from '../store/index.ts'
import type { SecondFactors } from '../totp/second-factors.ts'
import type { Passwords } from '../users/passwords.ts'
import type { Throttle } from '../users/throttle.ts'
import type { Users } from '../users/users.ts'

/** Name and password that come with each request; there is no session. */
export interface BasicLogin {
  /** Undefined when they are not good, or are not enough. Throws as `Throttle.admit` and `Passwords.verify`. */
  identify(credentials: { username: string; password: string }, sender: Sender): Promise<User | undefined>
}

export interface BasicLoginDeps {
  users: Users
  passwords: Pick<Passwords, 'verify'>
  secondFactors: Pick<SecondFactors, 'due'>
  throttle: Pick<Throttle, 'admit'>
  audit: Pick<Audit, 'signInFailed' | 'signedInByBasic'>
  clock: Clock
  random: Random
}

/** What was verified; for the user as he was. */
interface Verified {
  user: User
  endsAt: number
}

const goodForMs = 60_000
const toldForMs = 3_600_000
const maxKnown = 256

export function createBasicLogin(deps: BasicLoginDeps): BasicLogin {
  const { users, passwords, secondFactors, throttle, audit, clock, random } = deps
  /** Of this process alone: what is kept is no digest that could be guessed at. */
  const key = random.bytes(32)
  const verified = new Map<string, Verified>()
  const underWay = new Map<string, Promise<User | undefined>>()
  const told = new Map<string, number>()

  const suffices = (user: User): boolean =>
    users.find(user.name) === user &&
    users.active(user) &&
    !users.passwordExpired(user) &&
    secondFactors.due(user) === undefined

  const verify = async (username: string, password: string, sender: Sender): Promise<User | undefined> => {
    const user = users.findByLogin(username)
    const admission = throttle.admit(user?.name ?? username, sender)
    const matches = await passwords.verify(user?.passwordHash, password).catch((error) => {
      admission.withdrawn()
      throw error
    })
    const note = (reason: Parameters<typeof audit.signInFailed>[0]['reason']): void =>
      audit.signInFailed({ ...sender, user: user?.name, method: 'basic', reason })
    if (!user || !matches || !users.active(user)) {
      note(!user ? 'unknown_user' : matches ? 'user_disabled' : 'wrong_password')
      await admission.failed(user?.name)
      return undefined
    }
    if (!suffices(user)) {
      admission.withdrawn()
      note(secondFactors.due(user) === undefined ? 'password_expired' : 'second_factor_missing')
      return undefined
    }
    admission.succeeded()
    return user
  }

  const tell = (id: string, user: User, sender: Sender): void => {
    const before = told.get(id)
    if (before !== undefined && clock.monotonic() - before < toldForMs) return
    remember(told, id, clock.monotonic())
    audit.signedInByBasic(user.name, sender)
  }

  return {
    async identify({ username, password }, sender) {
      const hmac = createHmac('sha256', key).update(`${username.length}:${username}:${password}`)
      const id = hmac.digest('base64')
      const known = verified.get(id)
      if (known && clock.monotonic() < known.endsAt && suffices(known.user)) return known.user
      verified.delete(id)
      // A program asks many times at once; one of them is enough to find out.
      const asked = underWay.get(id) ?? verify(username, password, sender).finally(() => underWay.delete(id))
      underWay.set(id, asked)
      const user = await asked
      if (!user || !suffices(user)) return undefined
      remember(verified, id, { user, endsAt: clock.monotonic() + goodForMs })
      tell(id, user, sender)
      return user
    },
  }
}

/** What was added first goes first. */
function remember<T>(known: Map<string, T>, id: string, what: T): void {
  known.delete(id)
  known.set(id, what)
  for (const oldest of known.keys()) if (known.size > maxKnown) known.delete(oldest)
}
