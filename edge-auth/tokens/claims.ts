import Type, { type Static } from 'typebox'
import { parser } from '../../core/schema.ts'

export const issuer = 'urn:industrial.edge.device'

const always = {
  exp: Type.Integer(),
  iat: Type.Integer(),
  iss: Type.Literal(issuer),
  jti: Type.String(),
  nbf: Type.Integer(),
  sub: Type.String(),
}

/** Payload of a person's access token. Times are epoch seconds. */
export const Claims = Type.Object({
  ...always,
  aud: Type.Tuple([Type.Literal('')]),
  client_id: Type.Literal('authsdk'),
  roles: Type.Array(Type.String()),
  scp: Type.Tuple([Type.Literal('openid')]),
})
export type Claims = Static<typeof Claims>

/** Payload of an app's own access token, which stands for no person. */
export const TechnicalClaims = Type.Object({
  ...always,
  /** The apps it is meant for, or this box. */
  aud: Type.Array(Type.String()),
  /** The app; `sub` too. */
  client_id: Type.String(),
  /** Which credential of the app it was given for: the token ends with that. */
  credential: Type.String(),
  /** The box's epoch: to end all sessions ends these tokens too. */
  epoch: Type.String(),
  /** Session time, milliseconds: a stepping clock neither ends it early nor makes it good again. */
  ends: Type.Number(),
  scp: Type.Array(Type.String()),
})
export type TechnicalClaims = Static<typeof TechnicalClaims>

/**
 * The `typ` of the signed header tells whose token it is, so that no client id and no user name can make
 * one pass for the other.
 */
export const types = { user: 'JWT', technical: 'at+jwt' } as const

const parseClaims = parser(Claims)
const parseTechnical = parser(TechnicalClaims)

/** A token that we made. Whether it is good now is another question. */
export type Read = { is: 'user'; claims: Claims } | { is: 'technical'; claims: TechnicalClaims }

/** Throws `Invalid` for what we have never signed. */
export function readPayload(type: string | undefined, payload: unknown): Read {
  if (type === types.technical) return { is: 'technical', claims: parseTechnical(payload, 'technical token') }
  return { is: 'user', claims: parseClaims(payload, 'access token') }
}
