import { hash, type Options, verify } from '@node-rs/argon2'
import { EdgeError, Invalid } from '../../core/errors.ts'
import { type Random, randomSecret } from '../../core/random.ts'
import { isCommon } from './common-passwords.ts'

export interface Passwords {
  /** PHC string. Throws `Invalid` when the password is not as the rules want it, `HashingBusy`. */
  hash(password: string): Promise<string>
  readonly rules: PasswordRules
  /**
   * Takes the same time without a hash, for a user that does not exist, and is then false.
   * Throws `Invalid` for a password that no user can have, `HashingBusy`.
   */
  verify(hash: string | null | undefined, password: string): Promise<boolean>
  generate(): string
  load(): HashingLoad
}

export interface HashingLoad {
  running: number
  waiting: number
}

export interface PasswordRules {
  /** Characters. */
  minLength: number
  /** Capital and small letters, digits and symbols, one of each at least. */
  strong: boolean
}

export interface PasswordsConfig extends PasswordRules {
  /** Hashes at once; each takes a core. */
  parallel: number
  /** Further ones that may wait. */
  waiting: number
}

/** Too many passwords wait to be checked. */
export class HashingBusy extends EdgeError {
  override readonly name = 'HashingBusy'
  readonly code = 'busy'
  override readonly statusCode = 503
  override readonly retryable = true
  override readonly retryAfterMs = 2_000
  override readonly cure = 'Try again in a moment.'

  constructor() {
    super('too many sign-ins at once')
  }
}

/** argon2id, which the library takes unless told. */
const cost: Options = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
const maxBytes = 1024
const kinds = [/\p{Lu}/u, /\p{Ll}/u, /\d/, /[`~!@#$%^&*()_|+\-=?;:'",.<>{}[\]\\/]/]

export function createPasswords({ random }: { random: Random }, config: PasswordsConfig): Passwords {
  const { minLength, strong } = config
  const limited = limit(config)
  const nobodys = hash(randomSecret(random), cost)
  nobodys.catch(() => {}) // seen by whoever verifies

  return {
    rules: { minLength, strong },
    load: limited.load,
    async hash(password) {
      refuseWeak(password, config)
      return limited.run(() => hash(password, cost))
    },
    async verify(known, password) {
      if (Buffer.byteLength(password) > maxBytes)
        throw new Invalid(`a password has at most ${maxBytes} bytes`)
      const matches = await limited.run(async () => verify(known ?? (await nobodys), password))
      return matches && typeof known === 'string'
    },
    generate() {
      for (;;) {
        const made = random.bytes(Math.max(12, Math.ceil((minLength * 3) / 4))).toString('base64url')
        if (!strong || kinds.every((kind) => kind.test(made))) return made
      }
    },
  }
}

function refuseWeak(password: string, { minLength, strong }: PasswordRules): void {
  if (Buffer.byteLength(password) > maxBytes) throw new Invalid(`a password has at most ${maxBytes} bytes`)
  if ([...password].length < minLength) throw new Invalid(`a password has at least ${minLength} characters`)
  if (strong && !kinds.every((kind) => kind.test(password)))
    throw new Invalid('a password has capital and small letters, digits and symbols')
  if (isCommon(password)) throw new Invalid('this password is one of those that are tried first')
}

/** First come, first served; refuses at once what could not be served soon. */
function limit({ parallel, waiting }: PasswordsConfig) {
  const queue: (() => void)[] = []
  let running = 0
  const run = async <T>(work: () => Promise<T>): Promise<T> => {
    if (running < parallel) running++
    else if (queue.length < waiting) await new Promise<void>((resolve) => queue.push(resolve))
    else throw new HashingBusy()
    try {
      return await work()
    } finally {
      const next = queue.shift() // inherits this place
      if (next) next()
      else running--
    }
  }
  return { run, load: (): HashingLoad => ({ running, waiting: queue.length }) }
}
