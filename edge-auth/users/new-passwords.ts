import { Invalid } from '../../core/errors.ts'
import type { User } from '../store/index.ts'
import type { Passwords } from './passwords.ts'
import { createTickets, type TicketsDeps } from './tickets.ts'
import type { Users } from './users.ts'

/** Who has just proven an expired password, and all else that is asked for, may choose a new one, once. */
export interface NewPasswords {
  /** A ticket. */
  begin(user: User): string
  /** Undefined when the ticket is no longer good. */
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

export interface NewPasswordsDeps extends TicketsDeps {
  users: Users
  passwords: Passwords
}

export function createNewPasswords(deps: NewPasswordsDeps): NewPasswords {
  const { users, passwords } = deps
  const tickets = createTickets<{ user: User }>(deps)
  return {
    begin: (user) => tickets.begin({ user }),
    find: (ticket) => tickets.find(ticket)?.user,
    async choose(ticket, user, password) {
      if (await passwords.verify(user.passwordHash, password))
        throw new SamePassword('the new password is the old one')
      const passwordHash = await passwords.hash(password)
      await users.setPassword(user.name, { passwordHash }, user)
      tickets.end(ticket)
    },
  }
}
