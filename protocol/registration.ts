import Type, { type Static } from 'typebox'
import { parser } from '../core/schema.ts'

/** RFC 7517; `use` and `alg` are not sent. */
export const PublicJwk = Type.Object({
  kty: Type.Literal('RSA'),
  kid: Type.String({ minLength: 1, maxLength: 128 }),
  n: Type.String({ pattern: '^[A-Za-z0-9_-]+$', maxLength: 2048 }),
  e: Type.String({ pattern: '^[A-Za-z0-9_-]+$', maxLength: 16 }),
})
export type PublicJwk = Static<typeof PublicJwk>

/** Body of POST /register (initial access token) and PUT /register/{client_id} (registration access token). */
export const RegistrationRequest = Type.Object({
  client_id: Type.Optional(Type.String({ maxLength: 36 })),
  jwks: Type.Optional(Type.Object({ keys: Type.Array(PublicJwk, { minItems: 1, maxItems: 1 }) })),
})
export type RegistrationRequest = Static<typeof RegistrationRequest>

/** RFC 7591 / 7592 client information response, as Insights Hub sends it. */
export const Registration = Type.Object({
  client_id: Type.String(),
  /** Only for SHARED_SECRET; its UTF-8 bytes are the HMAC key. */
  client_secret: Type.Optional(Type.String()),
  /** Epoch seconds; for both profiles. */
  client_secret_expires_at: Type.Optional(Type.Integer()),
  registration_access_token: Type.String(),
  registration_client_uri: Type.String(),
  grant_types: Type.Optional(Type.Array(Type.String())),
  token_endpoint_auth_method: Type.Optional(Type.String()),
})
export type Registration = Static<typeof Registration>

export const parseRegistration = parser(Registration)

/**
 * Sent with POST and PUT /register: a retry with the same key, made before the answer was used, gets
 * the same answer. This closes the window in which the hub has applied a request whose answer was lost.
 */
export const idempotencyHeader = 'idempotency-key'
