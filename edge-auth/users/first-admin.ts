import { createHash, timingSafeEqual } from 'node:crypto'
import { join } from 'node:path'
import { removeFile, writeFileAtomic } from '../../core/files.ts'
import type { Logger } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { Audit, Sender } from '../audit/audit.ts'
import { admin } from '../permissions/index.ts'
import type { User } from '../store/index.ts'
import type { Passwords } from './passwords.ts'
import type { Users } from './users.ts'

/** Whoever can read a file of the daemon may make the first administrator, with the browser. */
export interface FirstAdmin {
  /** Writes the code's file while there is no user; removes one that an earlier run left. */
  offer(): Promise<void>
  /** True while the code is good. */
  readonly pending: boolean
  /** Undefined when the code is wrong. Throws as `Users.add` and `Passwords.hash` do. */
  create(asked: FirstAdminRequest): Promise<User | undefined>
  /** Takes the code back once there is a user, however made. */
  withdraw(): Promise<void>
}

export interface FirstAdminRequest {
  code: string
  name: string
  password: string
  sender: Sender
}

export interface FirstAdminDeps {
  users: Users
  passwords: Passwords
  random: Random
  audit: Audit
  log: Logger
}

export function createFirstAdmin(
  { users, passwords, random, audit, log }: FirstAdminDeps,
  { runtimeDir }: { runtimeDir: string },
): FirstAdmin {
  const file = join(runtimeDir, 'first-admin-code')
  let code: string | undefined
  const pending = (): boolean => code !== undefined && users.count === 0

  const withdraw = async (): Promise<void> => {
    if (code === undefined || users.count === 0) return
    code = undefined
    await removeFile(file)
  }

  return {
    async offer() {
      if (users.count > 0) return removeFile(file)
      const fresh = (random.bytes(10).toString('hex').match(/.{4}/g) as string[]).join('-')
      await writeFileAtomic(file, `${fresh}\n`)
      code = fresh
      log.warn({ file }, 'no user yet: the login page asks for the code in this file')
    },
    get pending() {
      return pending()
    },
    async create(asked) {
      if (code === undefined || !pending()) return undefined
      if (!sameCode(asked.code, code)) {
        audit.signInFailed({ ...asked.sender, user: undefined, method: 'page', reason: 'wrong_code' })
        return undefined
      }
      const passwordHash = await passwords.hash(asked.password)
      const user = await users.add({ name: asked.name, roles: [admin], passwordHash }, true)
      await withdraw()
      return user
    },
    withdraw,
  }
}

/** As typed: case and blanks do not count. */
function sameCode(typed: string, code: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(typed.trim().toLowerCase()), digest(code))
}
