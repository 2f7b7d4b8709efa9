import Type, { type Static } from 'typebox'
import { Mapping } from './mapping.ts'

const strict = { additionalProperties: false }
const Url = Type.String({ pattern: '^https?://[^\\s]+$', maxLength: 2048 })
const Claim = Type.String({ minLength: 1, maxLength: 256 })
const Params = Type.Record(
  Type.String({ pattern: '^[A-Za-z0-9_.-]{1,64}$' }),
  Type.String({ maxLength: 1024 }),
  {
    description:
      'Further parameters; clientId, redirectUri and, to sign out, idToken and postLogoutRedirectUri are filled in where they stand as a name in braces after a dollar sign.',
  },
)

/** `none` and everything with a shared secret are no signatures. */
export const algorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
] as const
export const clientAuths = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'] as const

export const Endpoints = Type.Object(
  {
    authorization: Url,
    token: Url,
    jwks: Type.Optional(Url),
    userinfo: Type.Optional(Url),
    introspection: Type.Optional(Url),
    endSession: Type.Optional(Url),
  },
  { ...strict, description: 'Where the provider publishes no metadata.' },
)

const Signature = Type.Union([
  Type.Object({ by: Type.Literal('jwks') }, strict),
  Type.Object(
    {
      by: Type.Literal('key'),
      algorithm: Type.Enum([...algorithms]),
      publicKey: Type.String({ pattern: '^-----BEGIN PUBLIC KEY-----', maxLength: 16_384 }),
      notBefore: Type.Optional(Type.Integer({ description: 'Epoch milliseconds.' })),
      notAfter: Type.Optional(Type.Integer({ description: 'Epoch milliseconds.' })),
    },
    strict,
  ),
])

const ExternalTokens = Type.Object(
  {
    /** How the provider is asked whether it still stands by a token. */
    check: Type.Enum(['introspection', 'userinfo']),
    everySeconds: Type.Integer({ minimum: 1, maximum: 86_400, default: 60 }),
  },
  { ...strict, description: 'Access tokens of the provider are taken as Bearer.' },
)

export const providerName = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,39}$' })

/** Of an identity provider; all but its secret. */
export const ProviderSettings = Type.Object(
  {
    name: providerName,
    template: Type.Enum(['custom', 'azure-ad', 'keycloak']),
    /** Compared as it is, its last slash too. */
    issuer: Url,
    /** Where its metadata lies, if not below the issuer. */
    metadataUrl: Type.Optional(Url),
    endpoints: Type.Optional(Endpoints),
    clientId: Type.String({ minLength: 1, maxLength: 256 }),
    clientAuth: Type.Enum([...clientAuths]),
    /** `kid` of the key, for private_key_jwt. */
    keyId: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
    scope: Type.String({ pattern: '(^| )openid( |$)', maxLength: 512 }),
    /** Where the provider sends people back to; unless given, the box as the browser has found it. */
    redirectUri: Type.Optional(Url),
    /** People read it on the login page. */
    buttonText: Type.Optional(Type.String({ minLength: 1, maxLength: 80 })),
    providerName: Type.String({ minLength: 1, maxLength: 80 }),
    visible: Type.Boolean(),
    /** Of access tokens. */
    audience: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
    authorizationParams: Params,
    logoutParams: Params,
    tokenSource: Type.Enum(['idToken', 'accessToken']),
    /** A top-level claim; the name of a new user comes from it. */
    userIdClaim: Claim,
    profileClaims: Type.Object(
      {
        firstName: Type.Optional(Claim),
        lastName: Type.Optional(Claim),
        email: Type.Optional(Claim),
        phone: Type.Optional(Claim),
      },
      strict,
    ),
    mapping: Mapping,
    signature: Signature,
    clockToleranceSeconds: Type.Integer({ minimum: 0, maximum: 300 }),
    externalTokens: Type.Optional(ExternalTokens),
    /** PEM of the plant's authority, besides the usual ones. */
    ca: Type.Optional(Type.String({ pattern: '-----BEGIN CERTIFICATE-----', maxLength: 65_536 })),
    /** The provider runs on this very machine; plain http is allowed then. */
    onThisMachine: Type.Boolean(),
  },
  strict,
)
export type ProviderSettings = Static<typeof ProviderSettings>

/** What decides where a secret is sent, and whom the box believes. */
export function destinations(settings: ProviderSettings): string {
  const {
    issuer,
    metadataUrl,
    endpoints = {},
    redirectUri,
    clientId,
    clientAuth,
    ca,
    onThisMachine,
  } = settings
  const urls = Object.entries(endpoints).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([issuer, metadataUrl, urls, redirectUri, clientId, clientAuth, ca, onThisMachine])
}
