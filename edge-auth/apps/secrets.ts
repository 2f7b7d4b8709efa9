import { hash, timingSafeEqual } from 'node:crypto'
import type { AppVersion } from '../store/index.ts'

/** A secret has 256 random bits: a slow hash would add nothing. */
export const sha256 = (secret: string): Uint8Array => hash('sha256', secret, 'buffer')

/**
 * The version whose secret this is. By the secret before, as long as that is good, it comes with the
 * credential id of then, so that what is given for it ends with it. Constant time in the secret.
 */
export function versionBySecret(
  versions: readonly AppVersion[],
  secret: string,
  sessionTime: number,
): AppVersion | undefined {
  const given = sha256(secret)
  const isSame = (known: Uint8Array | null | undefined): boolean =>
    known !== null && known !== undefined && timingSafeEqual(known, given)
  return versions.reduce<AppVersion | undefined>((match, version) => {
    const [now, before] = [isSame(version.secretHash), isSame(version.previous?.secretHash)]
    if (now) return version
    return before ? (asBefore(version, sessionTime) ?? match) : match
  }, undefined)
}

/** The version that the credential belongs to, now or as the one before. */
export function versionByCredential(
  versions: readonly AppVersion[],
  credentialId: string,
  sessionTime: number,
): AppVersion | undefined {
  const now = versions.find((version) => version.credentialId === credentialId)
  if (now) return now
  const before = versions.find(({ previous }) => previous?.credentialId === credentialId)
  return before && asBefore(before, sessionTime)
}

function asBefore(version: AppVersion, sessionTime: number): AppVersion | undefined {
  const { previous } = version
  if (!previous || previous.endsAt <= sessionTime) return undefined
  return { ...version, credentialId: previous.credentialId, secretHash: previous.secretHash }
}

/** Without the secret before, when its time is over. */
export const withoutEnded = (version: AppVersion, sessionTime: number): AppVersion =>
  version.previous && version.previous.endsAt <= sessionTime ? { ...version, previous: null } : version
