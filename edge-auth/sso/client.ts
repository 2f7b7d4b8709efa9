import { createPrivateKey, type KeyObject } from 'node:crypto'
import {
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  clockSkew,
  clockTolerance,
  customFetch,
  None,
  PrivateKeyJwt,
} from 'openid-client'
import { systemClock } from '../../core/clock.ts'
import type { AskProvider } from './fetch.ts'
import type { Metadata } from './metadata.ts'
import type { Provider } from './providers.ts'

/** The box as a client of the provider. Throws as `Metadata` does. */
export type OpenClient = (provider: Provider, use?: 'to send somebody') => Promise<Configuration>

export interface OpenClientDeps {
  metadata: Metadata
  askProvider: AskProvider
  /** Epoch milliseconds, proven where they are. */
  now(): number
}

export function createOpenClient({ metadata, askProvider, now }: OpenClientDeps): OpenClient {
  return async (provider, use) => {
    const { settings } = provider
    // The library looks at the clock of the system, whatever is known of it.
    const skewSeconds = Math.round((now() - systemClock.now()) / 1000)
    const client = new Configuration(
      await metadata(settings, use),
      settings.clientId,
      { [clockSkew]: skewSeconds, [clockTolerance]: settings.clockToleranceSeconds },
      await authentication(provider),
    )
    client[customFetch] = askProvider(settings)
    if (settings.onThisMachine) allowInsecureRequests(client)
    return client
  }
}

async function authentication({ settings, secret = '' }: Provider): Promise<ClientAuth> {
  const { clientAuth, keyId } = settings
  if (clientAuth === 'none') return None()
  if (clientAuth === 'client_secret_basic') return ClientSecretBasic(secret)
  if (clientAuth === 'client_secret_post') return ClientSecretPost(secret)
  const key = createPrivateKey(secret)
  const imported = key.toCryptoKey(algorithmOf(key), false, ['sign'])
  return PrivateKeyJwt(keyId === undefined ? imported : { key: imported, kid: keyId })
}

/** What a key of its kind signs with. */
function algorithmOf(key: KeyObject) {
  const { asymmetricKeyType, asymmetricKeyDetails } = key
  if (asymmetricKeyType === 'ed25519') return { name: 'Ed25519' }
  if (asymmetricKeyType === 'rsa') return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  return { name: 'ECDSA', namedCurve: curves[asymmetricKeyDetails?.namedCurve ?? ''] ?? 'P-256' }
}

const curves: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
}
