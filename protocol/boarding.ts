import Type, { type Static } from 'typebox'
import { parser } from '../core/schema.ts'

export const securityProfiles = ['SHARED_SECRET', 'RSA_3072'] as const
export type SecurityProfile = (typeof securityProfiles)[number]
export const SecurityProfile = Type.Enum(securityProfiles)

/**
 * What the hub hands out to take a box in: the downloadable boarding file. Insights Hub's shape, plus
 * where our own hub takes MQTT and the authority that signed its certificate.
 */
export const BoardingConfiguration = Type.Object({
  content: Type.Object({
    /** No trailing slash; paths are appended. */
    baseUrl: Type.String({ pattern: '^https?://[^/]+(/.*[^/])?$' }),
    /** Initial access token: a JWT of the hub, good for one registration. */
    iat: Type.String({ minLength: 1 }),
    /** An array of one entry. */
    clientCredentialProfile: Type.Array(SecurityProfile, { minItems: 1, maxItems: 1 }),
    clientId: Type.String({ minLength: 1, maxLength: 36 }),
    tenant: Type.String({ minLength: 1, maxLength: 36 }),
    mqtt: Type.Optional(Type.String({ pattern: '^(mqtts?://[^/]+|wss?://[^/]+(/.*)?)$' })),
    /** PEM. */
    ca: Type.Optional(Type.String({ pattern: '-----BEGIN CERTIFICATE-----' })),
  }),
  /** ISO 8601: when the initial access token ends. */
  expiration: Type.String(),
})
export type BoardingConfiguration = Static<typeof BoardingConfiguration>

export const parseBoardingConfiguration = parser(BoardingConfiguration)
