import { Invalid } from '../../core/errors.ts'
import { type Random, randomSecret } from '../../core/random.ts'
import type { SessionTime } from '../sessions/session-time.ts'
import type { User } from '../store/index.ts'
import type { Passwords } from './passwords.ts'
import type { Users } from './users.ts'

/** Who has just proven an expired password may choose a new one, for a few minutes, once. */
export interface NewPasswords {
  /** A ticket: it is no session and never becomes one. */
  begin(user: User): string
  /** Undefined when the ticket is used up, too old, or the user was changed meanwhile. */
  find(ticket: string): User | undefined
  /**
   * Sets it; ends the user's sessions. The ticket stays good when the password is refused.
   * Throws as `Passwords.hash` and `Users.setPassword` do, `SamePassword`.
   */
  choose(ticket: string, user: User, password: string): Promise<void>
}

export class SamePassword extends Invalid {
  override readonly code = 'same_password'
}

export interface NewPasswordsDeps {
  users: Users
  passwords: Passwords
  random: Random
  time: SessionTime
}

const goodForMs = 5 * 60_000
const maxTickets = 256

export function createNewPasswords({ users, passwords, random, time }: NewPasswordsDeps): NewPasswords {
  const tickets = new Map<string, { user: User; endsAt: number }>()

  const find = (ticket: string): User | undefined => {
    const found = tickets.get(ticket)
    const good = found && time.now() < found.endsAt && users.find(found.user.name) === found.user
    return good ? found.user : undefined
  }
  return {
    begin(user) {
      const ticket = randomSecret(random)
      tickets.set(ticket, { user, endsAt: time.now() + goodForMs })
      for (const oldest of tickets.keys()) if (tickets.size > maxTickets) tickets.delete(oldest)
      return ticket
    },
    find,
    async choose(ticket, user, password) {
      if (await passwords.verify(user.passwordHash, password))
        throw new SamePassword('the new password is the old one')
      const passwordHash = await passwords.hash(password)
      await users.setPassword(user.name, { passwordHash }, user)
      tickets.delete(ticket)
    },
  }
}
