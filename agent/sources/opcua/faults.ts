import { DeviceError, deviceError } from '../device-error.ts'
import type { WireFault } from './messages.ts'

/** Puts what the stack reports into words for a technician. */
export function errorOf(fault: WireFault): DeviceError {
  const { errno, status, message, certificate } = fault
  if (certificate) return untrusted(certificate)
  if (errno !== undefined) return deviceError(Object.assign(new Error(message), { code: errno }))
  if (status !== undefined && statuses[status]) return inWords(status, status)
  if (/Cannot find an Endpoint matching/i.test(message))
    return new DeviceError(
      'no_such_endpoint',
      'the server has no endpoint with this security policy and mode',
      {
        cure: policyCure,
      },
    )
  if (/time ?out|timed out|does not answer/i.test(message)) return inWords('BadTimeout', message)
  if (/disconnected by third party|connection (has been )?(closed|aborted|break)|closed the/i.test(message))
    return new DeviceError('connection_lost', `the connection to the server broke (${message})`, {
      cure: 'Check that it runs, and how many clients it takes at the same time.',
    })
  if (status !== undefined)
    return new DeviceError(snakeCase(status), `the server answers ${status}: ${message}`, {
      cure: 'Look into the log of the server.',
    })
  return new DeviceError('device_failed', message, { cure: 'Check that the server runs and its endpoint.' })
}

function inWords(status: string, detail: string): DeviceError {
  const { reason, message, cure } = statuses[status] as (typeof statuses)[string] & object
  return new DeviceError(reason, `${message} (${detail})`, { cure })
}

/** "BadNodeIdUnknown" → "bad_node_id_unknown" */
export const snakeCase = (name: string): string =>
  name.replace(/(?<=[a-z\d])[A-Z]/g, (capital) => `_${capital}`).toLowerCase()

export const processEnded = (detail: string): DeviceError =>
  new DeviceError('opcua_process_ended', `the process with the OPC UA stack ended (${detail})`, {
    cure: 'It is started again by itself; should this come again, the log of edgeward has the details.',
  })

export const notInstalled = (): DeviceError =>
  new DeviceError('not_installed', 'OPC UA is not installed: the package node-opcua-client is missing', {
    cure: 'Install edgeward with its optional dependencies: npm ci --include=optional.',
  })

const untrusted = ({ thumbprint, subject }: { thumbprint: string; subject: string }): DeviceError =>
  new DeviceError(
    'certificate_not_trusted',
    `the certificate of the server is not trusted: ${subject}, thumbprint ${thumbprint}`,
    {
      cure: `Compare the thumbprint with the one that the server shows, then run: edgeward source trust ${thumbprint}.`,
    },
  )

const policyCure =
  'Look at the endpoints that the server offers, and give securityPolicy and securityMode of one of them.'
const trustUs =
  'Trust the certificate of this box in the server; it stands in its list of rejected certificates as edgeward.'
const clocks = 'Check the clocks of this box and of the server: they differ, or the certificate has run out.'

const statuses: Readonly<Record<string, { reason: string; message: string; cure: string }>> = {
  BadUserAccessDenied: {
    ...{ reason: 'user_refused', message: 'the server does not let this user in' },
    cure: 'Check the user and the password or certificate, and what the server allows this user.',
  },
  BadIdentityTokenRejected: {
    ...{ reason: 'user_refused', message: 'the server does not accept this user' },
    cure: 'Check the user and the password or certificate.',
  },
  BadIdentityTokenInvalid: {
    ...{ reason: 'user_refused', message: 'the server does not take this way to sign in' },
    cure: 'See how its endpoint lets users in: anonymous, by password or by certificate.',
  },
  BadSecurityPolicyRejected: {
    ...{ reason: 'policy_refused', message: 'the server does not take this security policy' },
    cure: policyCure,
  },
  BadSecurityModeRejected: {
    ...{ reason: 'policy_refused', message: 'the server does not take this security mode' },
    cure: policyCure,
  },
  BadSecurityModeInsufficient: {
    ...{ reason: 'policy_refused', message: 'the server wants a safer security mode' },
    cure: policyCure,
  },
  BadSecurityChecksFailed: {
    ...{ reason: 'box_not_trusted', message: 'the server does not accept the certificate of this box' },
    cure: trustUs,
  },
  BadCertificateUntrusted: {
    ...{ reason: 'box_not_trusted', message: 'the server does not trust the certificate of this box' },
    cure: trustUs,
  },
  BadCertificateTimeInvalid: {
    ...{ reason: 'clock_difference', message: 'a certificate is not valid at this time' },
    cure: clocks,
  },
  BadCertificateIssuerTimeInvalid: {
    ...{ reason: 'clock_difference', message: 'the certificate of an authority is not valid at this time' },
    cure: clocks,
  },
  BadInvalidTimestamp: {
    ...{ reason: 'clock_difference', message: 'for the server the time of this box is too far off' },
    cure: clocks,
  },
  BadCertificateChainIncomplete: {
    ...{ reason: 'certificate_chain', message: 'an authority of the certificate of the server is not known' },
    cure: 'Put the certificates of its authorities into issuers/certs below pki/opcua.',
  },
  BadCertificateRevoked: {
    ...{ reason: 'certificate_revoked', message: 'the certificate of the server has been revoked' },
    cure: 'Give the server a new certificate.',
  },
  BadTooManySessions: {
    ...{ reason: 'too_many_sessions', message: 'the server has no session left' },
    cure: 'Close other clients, or raise the limit in the server.',
  },
  BadTcpEndpointUrlInvalid: {
    ...{ reason: 'no_such_endpoint', message: 'the server does not know this endpoint' },
    cure: 'Check the path behind host and port.',
  },
  BadTimeout: {
    ...{ reason: 'timeout', message: 'the server does not answer in time' },
    cure: 'Check that it is on and reachable; a slow one needs a longer timeout.',
  },
}
