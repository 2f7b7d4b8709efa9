import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { decodeJwt } from 'jose'
import Type, { type Static } from 'typebox'
import { refusePlaintext } from '../../core/net/index.ts'
import { parser } from '../../core/schema.ts'
import { type BoardingConfiguration, parseBoardingConfiguration } from '../../protocol/boarding.ts'
import { digest } from '../credentials/credential.ts'
import { BoardingInvalid, OnboardingRefused } from '../errors.ts'
import type { Home } from './home.ts'

/** A cure, as a sentence. */
export const getNewFile = (agentId: string): string =>
  `Download a new boarding file: "edgeward hub agent boarding ${agentId}".`

/** What a boarding configuration asks for. */
export interface Boarding {
  home: Home
  iat: string
  /** Its initial access token is of no use any more; a box that works need not care. */
  expired?: OnboardingRefused
}

/**
 * Reads a boarding configuration, once everything that can be known without the hub is right.
 * Throws `BoardingInvalid` or `OnboardingRefused`.
 */
export function checkBoarding(document: unknown, now: number): Boarding {
  const { content, expiration } = parseDocument(document)
  const claims = readToken(content.iat)
  const expired = expiry(claims, Date.parse(expiration), content.clientId, now)
  refuseForeign(claims, content)
  refusePlaintext(new URL(content.baseUrl))
  if (content.mqtt !== undefined) refusePlaintext(new URL(content.mqtt))
  const { tenant, clientId: agentId, baseUrl, mqtt, ca, iat } = content
  const home: Home = {
    tenant,
    agentId,
    profile: content.clientCredentialProfile[0] as Home['profile'],
    baseUrl,
    ...(mqtt === undefined ? {} : { mqtt }),
    ...(ca === undefined ? {} : { ca }),
    iatDigest: digest(iat),
  }
  return { home, iat, ...(expired ? { expired } : {}) }
}

function parseDocument(document: unknown): BoardingConfiguration {
  const faults = parseBoardingConfiguration.faults(document)
  if (faults.length > 0)
    throw new BoardingInvalid(faults.map(({ path, message }) => `${path === '' ? '/' : path} ${message}`))
  const boarding = document as BoardingConfiguration
  const { baseUrl, mqtt, ca } = boarding.content
  const further = [
    ...(URL.canParse(baseUrl) ? [] : ['/content/baseUrl is not a URL']),
    ...(mqtt === undefined || URL.canParse(mqtt) ? [] : ['/content/mqtt is not a URL']),
    ...(ca === undefined || isCertificate(ca) ? [] : ['/content/ca is not a certificate']),
    ...(Number.isNaN(Date.parse(boarding.expiration)) ? ['/expiration is not a date'] : []),
  ]
  if (further.length > 0) throw new BoardingInvalid(further)
  return boarding
}

/** What of the initial access token is looked at here. */
const Claims = Type.Object({
  /** Epoch seconds; no later than a date can be. */
  exp: Type.Optional(Type.Number({ minimum: 0, maximum: 8.64e12 })),
  ten: Type.Optional(Type.String()),
  sub: Type.Optional(Type.String()),
})
type Claims = Static<typeof Claims>

const parseClaims = parser(Claims)

/** The signature is the hub's to check; here the claims only save a journey. */
function readToken(iat: string): Claims {
  const claims = decoded(iat)
  const faults = parseClaims.faults(claims)
  if (faults.length > 0)
    throw new BoardingInvalid(faults.map(({ path, message }) => `${path} in /content/iat ${message}`))
  return claims as Claims
}

function decoded(iat: string): unknown {
  try {
    if (/^[\w-]+\.[\w-]+\.[\w-]*$/.test(iat)) return decodeJwt(iat) // it goes into a header as it is
  } catch {} // said below
  throw new BoardingInvalid(['/content/iat is not a JWT'])
}

function expiry(
  { exp }: Claims,
  expiration: number,
  agentId: string,
  now: number,
): OnboardingRefused | undefined {
  const endsAt = Math.min(expiration, exp === undefined ? Number.POSITIVE_INFINITY : exp * 1000)
  if (endsAt > now) return undefined
  const [ended, here] = [endsAt, now].map((time) => new Date(time).toISOString())
  return new OnboardingRefused(
    `the boarding configuration expired on ${ended} (it is ${here} at least)`,
    getNewFile(agentId),
  )
}

function refuseForeign(claims: Claims, { tenant, clientId }: BoardingConfiguration['content']): void {
  const faults = [
    ...(claims.ten === undefined || claims.ten === tenant
      ? []
      : [`its token is of tenant ${claims.ten}, the file says ${tenant}`]),
    ...(claims.sub === undefined || claims.sub === clientId
      ? []
      : [`its token is of agent ${claims.sub}, the file says ${clientId}`]),
  ]
  if (faults.length > 0)
    throw new OnboardingRefused(
      `the boarding configuration contradicts itself: ${faults.join('; ')}`,
      getNewFile(clientId),
    )
}

/** What is kept here must never make a TLS connection throw. */
function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem)
    createSecureContext({ ca: pem })
    return true
  } catch {
    return false
  }
}
