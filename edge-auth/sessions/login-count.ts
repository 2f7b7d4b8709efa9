import type { Opened } from './sessions.ts'
import type { SignIn } from './sign-in.ts'

/** How sign-ins ended, since the start of the process. */
export interface LoginCounts {
  succeeded: number
  /** A wrong password or code, or nobody who may come in. */
  failed: number
  /** Sent away unheard: too many have failed. */
  throttled: number
  /** Sent away unheard: too many passwords wait to be checked. */
  busy: number
  /** The password was right; a code, a second factor or another password comes next. */
  unfinished: number
  /** Could not be decided. */
  error: number
}

type Outcome = keyof LoginCounts

const outcomes: Readonly<Record<string, Outcome>> = {
  too_many_attempts: 'throttled',
  busy: 'busy',
  password_expired: 'unfinished',
  totp_required: 'unfinished',
  totp_enrolment_required: 'unfinished',
  invalid: 'failed',
}

/** The same, counted. */
export function counted(signIn: SignIn): { signIn: SignIn; counts: Readonly<LoginCounts> } {
  const counts: LoginCounts = { succeeded: 0, failed: 0, throttled: 0, busy: 0, unfinished: 0, error: 0 }
  const count = async (attempt: Promise<Opened | undefined>): Promise<Opened | undefined> => {
    try {
      const opened = await attempt
      counts[opened ? 'succeeded' : 'failed']++
      return opened
    } catch (error) {
      counts[outcomes[(error as { code?: string }).code ?? ''] ?? 'error']++
      throw error
    }
  }
  const all: SignIn = Object.assign((attempt: Parameters<SignIn>[0]) => count(signIn(attempt)), {
    byCode: (...given: Parameters<SignIn['byCode']>) => count(signIn.byCode(...given)),
    open: (...given: Parameters<SignIn['open']>) => count(signIn.open(...given)),
    byBreakGlass: (...given: Parameters<SignIn['byBreakGlass']>) => count(signIn.byBreakGlass(...given)),
  })
  return { signIn: all, counts }
}
