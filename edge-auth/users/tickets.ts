import { type Random, randomSecret } from '../../core/random.ts'
import type { SessionTime } from '../sessions/session-time.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { User } from '../store/index.ts'
import type { Users } from './users.ts'

/**
 * What stands between two pages of a sign-in: a ticket is no session and never becomes one. It is good for
 * a few minutes, for the user as he was, and until all sessions of the box end.
 */
export interface Tickets<T extends { user: User }> {
  begin(what: T): string
  /** Undefined when it is used up, too old, or the user was changed meanwhile. */
  find(ticket: string): T | undefined
  end(ticket: string): void
}

export interface TicketsDeps {
  users: Pick<Users, 'find' | 'active'>
  sessions: Pick<Sessions, 'boxEpoch'>
  random: Random
  time: Pick<SessionTime, 'now'>
}

const goodForMs = 5 * 60_000
const maxTickets = 256

export function createTickets<T extends { user: User }>(deps: TicketsDeps): Tickets<T> {
  const { users, sessions, random, time } = deps
  const tickets = new Map<string, { what: T; endsAt: number; boxEpoch: string }>()
  return {
    begin(what) {
      const ticket = randomSecret(random)
      tickets.set(ticket, { what, endsAt: time.now() + goodForMs, boxEpoch: sessions.boxEpoch })
      for (const oldest of tickets.keys()) if (tickets.size > maxTickets) tickets.delete(oldest)
      return ticket
    },
    find(ticket) {
      const found = tickets.get(ticket)
      if (!found || time.now() >= found.endsAt || found.boxEpoch !== sessions.boxEpoch) return undefined
      const { user } = found.what
      return users.find(user.name) === user && users.active(user) ? found.what : undefined
    },
    end: (ticket) => void tickets.delete(ticket),
  }
}
