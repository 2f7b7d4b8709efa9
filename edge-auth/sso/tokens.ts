import { authorizationCodeGrant, type Configuration, type ServerMetadata } from 'openid-client'
import { parseJson } from '../../core/schema.ts'
import type { Subject } from './claims.ts'
import type { Provider } from './providers.ts'
import { TokenRefused, type VerifiedToken, type VerifySignature } from './signatures.ts'

/** What a code was exchanged for, all of it verified. */
export interface Received {
  readonly subject: Subject
  /** The provider's session. */
  readonly sid: string | undefined
  readonly idToken: string
  /** The token that the mapping looks at. */
  readonly claims: VerifiedToken['claims']
  /** Text of that token. */
  readonly text: string
}

export interface Exchange {
  client: Configuration
  provider: Provider
  /** Where the provider has sent the browser to. */
  url: URL
  state: string
  nonce: string
  verifier: string
}

/** Throws `TokenRefused`, and what openid-client throws. */
export async function exchangeCode(exchange: Exchange, verify: VerifySignature): Promise<Received> {
  const { client, provider, url, state, nonce, verifier } = exchange
  const { settings } = provider
  const answer = await authorizationCodeGrant(client, url, {
    ...{ pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true },
  })
  const { id_token: idToken, access_token: accessToken } = answer
  if (idToken === undefined) throw new TokenRefused('the provider sends no ID token')
  const metadata: ServerMetadata = client.serverMetadata()
  const id = await verify(idToken, settings, metadata, { audience: settings.clientId })
  const subject = subjectOf(settings.issuer, id)
  const sid = typeof id.claims.sid === 'string' ? id.claims.sid.slice(0, 256) : undefined
  if (settings.tokenSource === 'idToken') return { subject, sid, idToken, claims: id.claims, text: idToken }
  const audience = settings.audience ?? settings.clientId
  const access = await verify(accessToken, settings, metadata, { audience })
  if (access.claims.sub !== subject.subject) throw new TokenRefused('the two tokens are of two persons')
  return { subject, sid, idToken, claims: access.claims, text: accessToken }
}

const maxSubject = 255

/** OpenID Connect Core 2: up to 255 ASCII characters. */
export function subjectOf(issuer: string, { claims }: Pick<VerifiedToken, 'claims'>): Subject {
  const { sub } = claims
  if (typeof sub !== 'string' || sub === '' || sub.length > maxSubject)
    throw new TokenRefused('the token names nobody (sub)')
  return { issuer, subject: sub }
}

const maxTold = 8_192

/** Header and payload as they are, and how long the signature is: never the signature. */
export function toldOf(token: string): string {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const decoded = (part: string): string => Buffer.from(part, 'base64url').toString()
  const bytes = Buffer.from(signature, 'base64url').length
  return `${decoded(header)}${decoded(payload).slice(0, maxTold)}[${bytes} crypto bytes]`
}

/** Of a token that nobody has verified yet: only to know whom to ask. */
export function claimedIn(token: string): Record<string, unknown> {
  try {
    const claims = parseJson(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString(), 'the token')
    return typeof claims === 'object' && claims !== null ? (claims as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
