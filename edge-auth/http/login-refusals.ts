import type { FastifyReply } from 'fastify'
import { Conflict, Invalid } from '../../core/errors.ts'
import { HashingBusy } from '../users/passwords.ts'
import { TooManyAttempts } from '../users/throttle.ts'
import type { Message } from './login-page.ts'
import type { Texts } from './texts.ts'

/** The form comes back; the message does not tell one cause from another where that would help a guesser. */
export class Refusal {
  readonly status: number
  readonly message: Message
  readonly retryAfterMs: number | undefined

  constructor(status: number, text: keyof Texts, fields: readonly string[], retryAfterMs?: number) {
    this.status = status
    this.retryAfterMs = retryAfterMs
    this.message = { text, fields, values: { minutes: Math.ceil((retryAfterMs ?? 0) / 60_000) } }
  }
}

/** Throws what is no refusal. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof TooManyAttempts) return new Refusal(429, 'locked', [], error.retryAfterMs)
  if (error instanceof HashingBusy) return new Refusal(503, 'busy', [], error.retryAfterMs)
  if (error instanceof Invalid)
    return new Refusal(400, error.code === 'same_password' ? 'samePassword' : 'badPassword', ['password'])
  if (error instanceof Conflict) return new Refusal(409, 'expired', []) // somebody else was first
  throw error
}

export function refuse(reply: FastifyReply, { status, retryAfterMs }: Refusal): void {
  reply.status(status)
  if (retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(retryAfterMs / 1000))
}
