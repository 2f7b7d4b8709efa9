import { createHash, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../../core/clock.ts'
import { type Random, randomSecret } from '../../../core/random.ts'
import type { Sender } from '../../audit/audit.ts'
import type { Identify, Identity } from '../../sessions/identify.ts'
import type { Sessions } from '../../sessions/sessions.ts'
import type { SignIn } from '../../sessions/sign-in.ts'

/** What opens the administration: both, together. */
export interface AdminKeys {
  cookie: string
  /** Never in a cookie: a page keeps it in its memory, and no app on the same host gets to see it. */
  secret: string
}

/**
 * Sessions of the admin listener. Each is a session like any other, seen, ended and audited with the
 * others, but its access token stays here: what opens the administration opens no app, and what
 * opens apps does not open it. They end with the process.
 */
export interface AdminSessions extends AsyncDisposable {
  /** Undefined when it is not to be. Throws as `SignIn` does. */
  open(attempt: {
    username: string
    password: string
    totp?: string
    sender: Sender
  }): Promise<OpenedAdmin | undefined>
  /** Undefined unless both belong to one session that is good now. */
  find(keys: Partial<AdminKeys>, seen: { userAgent: string | undefined }): Promise<Identity | undefined>
  end(keys: Partial<AdminKeys>): Promise<void>
}
export type OpenedAdmin = AdminKeys & { identity: Identity }

export interface AdminSessionsDeps {
  signIn: SignIn
  identify: Identify
  sessions: Pick<Sessions, 'end'>
  clock: Clock
  random: Random
}

export interface AdminSessionsConfig {
  /** Without a request. */
  idleMs: number
  lifetimeMs: number
}

interface Held {
  token: string
  session: string
  secret: Uint8Array
  openedAt: number
  usedAt: number
}

export function createAdminSessions(
  { signIn, identify, sessions, clock, random }: AdminSessionsDeps,
  { idleMs, lifetimeMs }: AdminSessionsConfig,
): AdminSessions {
  /** By the digest of the cookie, so that looking one up tells nothing of it by its time. */
  const held = new Map<string, Held>()

  const isOver = ({ openedAt, usedAt }: Held): boolean =>
    clock.monotonic() - usedAt > idleMs || clock.monotonic() - openedAt > lifetimeMs

  const drop = async (key: string): Promise<void> => {
    const session = held.get(key)?.session
    held.delete(key)
    if (session !== undefined) await sessions.end({ id: session }, 'signed_out')
  }

  const lookUp = ({ cookie, secret }: Partial<AdminKeys>): { key: string; found: Held } | undefined => {
    const key = digest(cookie ?? '').toString('hex')
    const found = held.get(key)
    return found && timingSafeEqual(found.secret, digest(secret ?? '')) ? { key, found } : undefined
  }

  const dropOver = async (): Promise<void> => {
    for (const [key, session] of held) {
      if (isOver(session)) await drop(key)
      else if (!(await identify(session.token))) held.delete(key) // ended by other means
    }
  }

  return {
    async open(attempt) {
      const opened = await signIn({ ...attempt, method: 'admin' })
      const identity = opened && (await identify(opened.token))
      if (!opened || !identity) return undefined
      await dropOver()
      const keys = { cookie: randomSecret(random), secret: randomSecret(random) }
      const now = clock.monotonic()
      held.set(digest(keys.cookie).toString('hex'), {
        ...{ token: opened.token, session: opened.session.id },
        ...{ secret: digest(keys.secret), openedAt: now, usedAt: now },
      })
      return { ...keys, identity }
    },
    async find(keys, seen) {
      const known = lookUp(keys)
      if (!known) return undefined
      if (isOver(known.found)) {
        await drop(known.key)
        return undefined
      }
      const identity = await identify(known.found.token, seen)
      if (identity) known.found.usedAt = clock.monotonic()
      return identity
    },
    async end(keys) {
      const known = lookUp(keys)
      if (known) await drop(known.key)
    },
    async [Symbol.asyncDispose]() {
      for (const key of held.keys()) await drop(key)
    },
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
