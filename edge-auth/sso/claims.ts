import { createHash } from 'node:crypto'
import type { Profile } from '../store/index.ts'
import { namePattern } from '../users/users.ts'

/**
 * The claim at a dotted path. A name that has dots itself, as those that are URLs do, is found too: the
 * longest name that is there goes first.
 */
export function claimAt(claims: unknown, path: string): unknown {
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) return undefined
  if (Object.hasOwn(claims, path)) return (claims as Record<string, unknown>)[path]
  for (let dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) {
    const name = path.slice(0, dot)
    if (!Object.hasOwn(claims, name)) continue
    const found = claimAt((claims as Record<string, unknown>)[name], path.slice(dot + 1))
    if (found !== undefined) return found
  }
  return undefined
}

export interface Subject {
  readonly issuer: string
  /** Unique at its issuer, and never given to another. */
  readonly subject: string
}

const isName = new RegExp(namePattern)

/**
 * What a new user is called: as the claim says where that can be a name; otherwise it is made one, with a
 * mark by which two that become alike stay two. Undefined when there is no such claim.
 */
export function userNameOf(claims: object, claim: string, { issuer, subject }: Subject): string | undefined {
  const value = Object.hasOwn(claims, claim) ? (claims as Record<string, unknown>)[claim] : undefined
  if (typeof value !== 'string' || value === '') return undefined
  if (isName.test(value)) return value
  const mark = createHash('sha256')
    .update(JSON.stringify([issuer, subject]))
    .digest('hex')
    .slice(0, 8)
  return `${value.replace(/[^A-Za-z0-9._@-]+/g, '-').slice(0, 100)}-${mark}`
}

const longestField = 256

/** Which claim says what of a person. */
export interface ProfileClaims {
  readonly profileClaims: { readonly [K in keyof Profile]?: string | undefined }
}

/** What is missing is empty. */
export function profileOf(claims: object, { profileClaims }: ProfileClaims): Profile {
  const fields = Object.entries(profileClaims).flatMap(([field, claim]) => {
    const value = claim === undefined ? undefined : claimAt(claims, claim)
    return typeof value === 'string' && value !== '' ? [[field, value.slice(0, longestField)]] : []
  })
  return Object.fromEntries(fields)
}
