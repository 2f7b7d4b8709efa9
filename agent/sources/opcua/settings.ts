import Type, { type Static } from 'typebox'
import { Interval } from '../interval.ts'
import { credentialName } from '../places.ts'
import { securityModes, securityPolicies } from './messages.ts'

const Credential = Type.String({ pattern: credentialName })

/** customData of a data source with the protocol "opcua". */
export const Source = Type.Object(
  {
    /** "opc.tcp://10.0.0.5:4840" */
    endpoint: Type.String({ minLength: 1, maxLength: 1_000 }),
    /** None unless told. */
    securityPolicy: Type.Optional(Type.Enum(securityPolicies)),
    /** SignAndEncrypt where there is a policy. */
    securityMode: Type.Optional(Type.Enum(securityModes)),
    user: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    /** Files below /etc/edgeward/credentials: the password of the user, or a certificate and its key in PEM. */
    credential: Type.Optional(Credential),
    userCertificate: Type.Optional(Credential),
    userKey: Type.Optional(Credential),
    /** The server is told a password although nothing proves who it is. */
    allowUnprotected: Type.Optional(Type.Boolean()),
    /** subscribe unless told: the server says what changes. poll: it is asked each interval. */
    mode: Type.Optional(Type.Enum(['subscribe', 'poll'])),
    interval: Type.Optional(Interval),
    publishingInterval: Type.Optional(Interval),
    /** For the answer to one request; 10 s unless told. */
    timeout: Type.Optional(Interval),
  },
  { additionalProperties: false },
)
export type SourceSettings = Static<typeof Source>

/** customData of a data point. */
export const Point = Type.Object(
  {
    /** "ns=2;s=Press.Force", or "nsu=http://plant;s=Press.Force", which outlives another numbering. */
    nodeId: Type.String({ minLength: 1, maxLength: 4_096 }),
    /** "3", "0:4" or "1,2": part of an array. */
    indexRange: Type.Optional(Type.String({ pattern: '^\\d{1,9}(:\\d{1,9})?(,\\d{1,9}(:\\d{1,9})?)*$' })),
    /** How often the server looks; the publishing interval unless told. */
    samplingInterval: Type.Optional(Interval),
    /** What the server keeps between two publishings; then the oldest goes. 10 unless told. */
    queueSize: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
  },
  { additionalProperties: false },
)
/** "nsu=<uri>;" or "ns=<index>;", then a number, a text, a GUID or bytes in base 64. */
const nodeId =
  /^(nsu=[^;]+;|ns=\d{1,5};)?(i=\d{1,10}|s=.+|g=[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}|b=[A-Za-z\d+/]+={0,2})$/is

export const isNodeId = (text: string): boolean => nodeId.test(text)

export function isEndpoint(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url?.protocol === 'opc.tcp:' && url.hostname !== '' && url.username === '' && url.password === ''
}

/** None unless told, and with a policy the safer mode. */
export function securityOf({ securityPolicy = 'None', securityMode }: SourceSettings) {
  return {
    securityPolicy,
    securityMode: securityMode ?? (securityPolicy === 'None' ? 'None' : 'SignAndEncrypt'),
  } as const
}
