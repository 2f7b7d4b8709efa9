import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { decodeJwt, type JWTPayload } from 'jose'
import { refusePlaintext } from '../../core/http-client.ts'
import { type BoardingConfiguration, parseBoardingConfiguration } from '../../protocol/boarding.ts'
import { digest } from '../credentials/credential.ts'
import { BoardingInvalid, OnboardingRefused } from '../errors.ts'
import type { Home } from './home.ts'

/** A cure, as a sentence. */
export const getNewFile = (agentId: string): string =>
  `Download a new boarding file: "edgeward hub agent boarding ${agentId}".`

/**
 * What a boarding configuration asks for, once everything that can be known without the hub is right.
 * Throws `BoardingInvalid` or `OnboardingRefused`.
 */
export function checkBoarding(document: unknown, now: number): { home: Home; iat: string } {
  const { content, expiration } = parseDocument(document)
  const claims = readToken(content.iat)
  refuseExpired(claims, Date.parse(expiration), content.clientId, now)
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
  return { home, iat }
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

/** The signature is the hub's to check; here the claims only save a journey. */
function readToken(iat: string): JWTPayload {
  try {
    return decodeJwt(iat)
  } catch {
    throw new BoardingInvalid(['/content/iat is not a JWT'])
  }
}

function refuseExpired({ exp }: JWTPayload, expiration: number, agentId: string, now: number): void {
  const endsAt = Math.min(expiration, exp === undefined ? Number.POSITIVE_INFINITY : exp * 1000)
  if (endsAt > now) return
  const [ended, here] = [endsAt, now].map((time) => new Date(time).toISOString())
  throw new OnboardingRefused(
    `the boarding configuration expired on ${ended} (the clock of this box says ${here})`,
    getNewFile(agentId),
  )
}

function refuseForeign(claims: JWTPayload, { tenant, clientId }: BoardingConfiguration['content']): void {
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
