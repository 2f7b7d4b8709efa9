import Type, { type Static } from 'typebox'
import { parser } from '../core/schema.ts'

export const clientAssertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
/** Audience of a client assertion. */
export const assertionAudience = 'southgate'
export const assertionSchema = 'urn:siemens:mindsphere:v1'

/** Answer of POST /api/agentmanagement/v3/oauth/token. `scope` is an array here, unlike RFC 6749. */
export const AgentToken = Type.Object({
  access_token: Type.String({ minLength: 1 }),
  token_type: Type.String(),
  /** Seconds. */
  expires_in: Type.Integer({ minimum: 1 }),
  scope: Type.Optional(Type.Array(Type.String())),
  jti: Type.Optional(Type.String()),
  /** Epoch seconds at the hub. */
  timestamp: Type.Optional(Type.Integer()),
})
export type AgentToken = Static<typeof AgentToken>

export const parseAgentToken = parser(AgentToken)

/** Response header: epoch seconds at the hub; also on errors. */
export const serverTimeHeader = 'server-time'
