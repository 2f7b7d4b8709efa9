import { X509Certificate } from 'node:crypto'
import {
  type ClientSession,
  MessageSecurityMode,
  OPCUAClient,
  SecurityPolicy,
  type UserIdentityInfo,
  UserTokenType,
} from 'node-opcua-client'
import type { Clock } from '../../../../core/clock.ts'
import type { Login, Opening, WireFault } from '../messages.ts'
import { applicationName, applicationUri, openTrustList, ownCertificate } from './certificates.ts'
import { wireFault } from './faults.ts'

/** A session with a server; when it breaks it is over, and whoever wants another one opens it. */
export interface Connection {
  readonly session: ClientSession
  /** Never rejects; what hangs is left behind after a moment. */
  close(): Promise<void>
}

const keepAliveMs = 5_000
const sessionTimeoutMs = 60_000
const patienceMs = 2_000

/** Rejects with what `faultOf` puts into words. `onLost` is called at most once, and not after `close`. */
export async function openConnection(
  clock: Clock,
  opening: Opening,
  onLost: (fault: WireFault) => void,
): Promise<Connection> {
  const { endpoint, pkiDir, timeoutMs } = opening
  const trust = await openTrustList(pkiDir)
  const client = OPCUAClient.create({
    ...{ applicationName, applicationUri: applicationUri(), clientCertificateManager: trust },
    certificateFile: await ownCertificate(trust, pkiDir, clock),
    privateKeyFile: trust.privateKey,
    securityMode: MessageSecurityMode[opening.securityMode],
    securityPolicy: SecurityPolicy[opening.securityPolicy],
    // Whoever asked for the connection decides when it is tried again.
    connectionStrategy: { maxRetry: 0, initialDelay: 100, maxDelay: 1_000 },
    endpointMustExist: false,
    keepSessionAlive: true,
    keepAliveInterval: keepAliveMs,
    requestedSessionTimeout: sessionTimeoutMs,
    transportTimeout: timeoutMs,
    defaultTransactionTimeout: timeoutMs,
  })
  let isOver = false
  const close = async () => {
    isOver = true
    const over = new AbortController()
    await Promise.race([
      client.disconnect().catch(() => {}), // it is gone in any case
      clock.sleep(patienceMs, over.signal).catch(() => {}),
    ])
    over.abort()
  }
  const lost = (message: string, error?: Error | null) => {
    if (isOver) return
    isOver = true
    onLost(error ? wireFault(error) : { message })
  }
  try {
    await client.connect(endpoint)
    const session = await client.createSession(identity(opening.login))
    client.on('close', (error) => lost('the server closed the connection', error))
    session.on('session_closed', () => lost('the server closed the session'))
    session.on('keepalive_failure', () => lost('the server does not answer any more'))
    return { session, close }
  } catch (error) {
    await close()
    throw new ConnectFailed(error, {
      ...wireFault(error),
      ...(trust.rejected ? { certificate: trust.rejected } : {}),
    })
  }
}

/** Knows more than what the stack threw. */
export class ConnectFailed extends Error {
  readonly fault: WireFault

  constructor(cause: unknown, fault: WireFault) {
    super(fault.message, { cause })
    this.fault = fault
  }
}

export const faultOf = (error: unknown): WireFault =>
  error instanceof ConnectFailed ? error.fault : wireFault(error)

function identity(login: Login): UserIdentityInfo {
  if (login.by === 'nobody') return { type: UserTokenType.Anonymous }
  if (login.by === 'password')
    return { type: UserTokenType.UserName, userName: login.user, password: login.password }
  return {
    type: UserTokenType.Certificate,
    certificateData: new X509Certificate(login.certificate).raw,
    privateKey: login.key,
  }
}
