import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Conflict } from '../../core/errors.ts'
import type { SigningKey } from '../signing.ts'
import { type Environment, pkcs11Tool, type TokenCall, TokenPinRefused, TokenUnavailable } from './tool.ts'
import type { TokenPlace } from './uri.ts'

export { parseTokenUri, type TokenPlace } from './uri.ts'

/** A key that never leaves its token: a smart card, an HSM, or a TPM behind PKCS#11. */
export interface Token {
  /** Throws `TokenUnavailable`. */
  open(): Promise<SigningKey>
  /** Makes the key. Throws `Conflict` when there is one, and `TokenUnavailable`. */
  generate(bits: number): Promise<void>
}

/** What PKCS#1 v1.5 puts before a SHA-256: the token is given it ready, as the oldest of them want it. */
const digestInfo = Buffer.from('3031300d060960864801650304020105000420', 'hex')

/** A chip takes its time to find primes. */
const makingMs = 300_000

export function createToken({ environment }: { environment: Environment }, place: TokenPlace): Token {
  /** Asked once more, it would come closer to locking itself. */
  let refused: string | undefined

  async function tool(args: readonly string[], more: Pick<TokenCall, 'input' | 'timeout'> = {}) {
    const pin = await readPin(place.pinFile)
    if (pin === refused)
      throw new TokenPinRefused('has refused this PIN', 'Write the right PIN into the file of pin-source.')
    try {
      const all = ['--module', place.module, '--token-label', place.token, '--id', place.id, ...args]
      return await pkcs11Tool(environment, { args: all, pin, ...more })
    } catch (error) {
      if (error instanceof TokenPinRefused) refused = pin
      throw error
    }
  }

  const readPublicKey = async () => publicKeyOf(await tool(['--read-object', '--type', 'pubkey']))

  return {
    async open() {
      const publicKey = await readPublicKey()
      return {
        publicKey,
        async sign(data) {
          const hash = createHash('sha256').update(data).digest()
          const input = Buffer.concat([digestInfo, hash])
          const signature = await tool(['--sign', '--mechanism', 'RSA-PKCS'], { input })
          if (!verify('sha256', data, publicKey, signature))
            throw new TokenUnavailable('signs with another key', 'See whether its id names one pair of keys.')
          return signature
        },
      }
    },
    async generate(bits) {
      if (await exists(readPublicKey)) throw new Conflict('the token has a key with this id', 'key_exists')
      const making = ['--keypairgen', '--key-type', `rsa:${bits}`, '--label', place.label, '--usage-sign']
      await tool(making, { timeout: makingMs })
    },
  }
}

async function exists(read: () => Promise<KeyObject>): Promise<boolean> {
  try {
    await read()
    return true
  } catch (error) {
    if (error instanceof TokenUnavailable && /object not found/i.test(error.message)) return false
    throw error
  }
}

function publicKeyOf(der: Buffer): KeyObject {
  try {
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
    if (key.asymmetricKeyType === 'rsa') return key
  } catch {
    // said below
  }
  throw new TokenUnavailable('its key is none of RSA', 'Make one by "edgeward cert ca-key".')
}

async function readPin(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (cause) {
    throw new TokenUnavailable(
      `its PIN cannot be read: ${(cause as Error).message}`,
      'Put the PIN into a file that only the user of the daemon can read.',
      { cause },
    )
  }
}
