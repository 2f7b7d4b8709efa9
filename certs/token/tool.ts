import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { EdgeError } from '../../core/errors.ts'

/** The token is not there, or does not do what it is asked to. */
export class TokenUnavailable extends EdgeError {
  override readonly name: string = 'TokenUnavailable'
  readonly code: string = 'token_unavailable'
  override readonly statusCode = 503
  override readonly retryable: boolean = true
  override readonly cure: string | undefined

  constructor(why: string, cure: string, options?: ErrorOptions) {
    super(`the token with the key of the device CA: ${why}`, options)
    this.cure = cure
  }
}

/** Not to be tried again with the same PIN: after a few times a token locks itself. */
export class TokenPinRefused extends TokenUnavailable {
  override readonly name = 'TokenPinRefused'
  override readonly code = 'token_pin_refused'
  override readonly retryable = false
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Shorter than a service manager waits for the daemon to end. */
const usualTimeout = 8_000
const maxBuffer = 1024 * 1024
const pinVariable = 'PKCS11_PIN'

export interface TokenCall {
  args: readonly string[]
  pin: string
  input?: Buffer
  timeout?: number
}

/**
 * Runs pkcs11-tool of OpenSC. The PIN is in the environment of that child alone: everybody may read an
 * argument, the environment only the user of the daemon, who can read the file of the PIN as well.
 */
export async function pkcs11Tool(
  environment: Environment,
  { args, pin, input, timeout = usualTimeout }: TokenCall,
): Promise<Buffer> {
  const running = promisify(execFile)('pkcs11-tool', [...args, '--login', '--pin', `env:${pinVariable}`], {
    ...{ encoding: 'buffer' as const, timeout, maxBuffer, killSignal: 'SIGKILL' as const },
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', ...environment, [pinVariable]: pin },
  })
  running.child.stdin?.on('error', () => {}) // it may end before it has read
  running.child.stdin?.end(input ?? '')
  try {
    return (await running).stdout
  } catch (error) {
    throw described(error as NodeJS.ErrnoException & { stderr?: Buffer; killed?: boolean })
  }
}

function described(cause: NodeJS.ErrnoException & { stderr?: Buffer; killed?: boolean }): TokenUnavailable {
  const options = { cause: new Error(cause.code === 'ENOENT' ? 'ENOENT' : 'pkcs11-tool failed') }
  if (cause.code === 'ENOENT')
    return new TokenUnavailable('pkcs11-tool is not installed', 'Install the package opensc.', options)
  if (cause.killed)
    return new TokenUnavailable('does not answer', 'Look whether it is plugged in and works.', options)
  const said = String(cause.stderr ?? '')
  if (/CKR_PIN_|CKR_USER_PIN_NOT_INITIALIZED/.test(said))
    return new TokenPinRefused(
      `refuses the PIN (${/CKR_\w+/.exec(said)?.[0]})`,
      'Write the right PIN into the file of pin-source. It is not tried again before it changes.',
      options,
    )
  const line = said.split('\n').find((text) => text.trim() !== '' && !/^Using /.test(text))
  return new TokenUnavailable(
    line?.replace(/^error: /, '').slice(0, 200) ?? 'pkcs11-tool failed',
    'See whether "pkcs11-tool --module … --list-token-slots" shows it to the user of the daemon.',
    options,
  )
}
