import { X509Certificate } from 'node:crypto'
import { isIP, type Socket } from 'node:net'
import { connect, type DetailedPeerCertificate, getCACertificates, type TLSSocket } from 'node:tls'
import { CertificateRefused, verifyAt } from './certificate.ts'
import { ready } from './tcp.ts'

export interface TlsOptions {
  host: string
  /** PEM of authorities trusted besides the usual ones. */
  ca: readonly string[]
  client: { cert: string; key: string } | undefined
  /**
   * By which time certificates are judged: epoch milliseconds where the clock of the system is known to
   * be wrong, `system` where it is not, `any-time` to leave the dates out.
   */
  time: number | 'system' | 'any-time'
}

/**
 * Resolves when the far side has proven who it is; not a byte is written before. OpenSSL's refusal does
 * not end the handshake here, because it judges the dates by the clock of the system: the verdict is
 * ours, and heeds OpenSSL's in everything but the dates. Rejects with `CertificateRefused`, or what the
 * socket or TLS threw.
 */
export async function secure(socket: Socket, options: TlsOptions, signal: AbortSignal): Promise<TLSSocket> {
  const { host, client } = options
  const ca = options.ca.length > 0 ? [...getCACertificates('default'), ...options.ca] : undefined
  const started = connect({
    socket,
    host,
    ...(isIP(host) ? {} : { servername: host }),
    ...(ca ? { ca } : {}), // without, Node uses the usual ones that it has at hand
    ...client,
    rejectUnauthorized: false,
  })
  started.once('close', () => socket.destroy())
  const tls = await ready(started, 'secureConnect', signal)
  try {
    judge(tls, ca ?? getCACertificates('default'), options)
    return tls
  } catch (error) {
    tls.destroy()
    throw error
  }
}

function judge(tls: TLSSocket, ca: readonly string[], { host, time }: TlsOptions): void {
  if (tls.authorized && time === 'system') return
  const chain = presentedChain(tls)
  const now = time === 'system' ? Date.now() : time // as OpenSSL has judged; for the words of the refusal
  verifyAt(chain, { roots: certificatesOf(ca), host, now })
  const verdict = String(tls.authorizationError ?? '')
  const dateFault = verdict === 'CERT_HAS_EXPIRED' || verdict === 'CERT_NOT_YET_VALID'
  if (tls.authorized || (dateFault && time !== 'system')) return
  throw new CertificateRefused('refused', chain[0] as X509Certificate, `is refused by OpenSSL: ${verdict}`)
}

/** Leaf first. Node links each to its issuer, and the last to itself. */
function presentedChain(tls: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = []
  let next: DetailedPeerCertificate | undefined = tls.getPeerCertificate(true)
  while (next?.raw && !chain.some(({ raw }) => raw.equals(next?.raw as Buffer))) {
    chain.push(new X509Certificate(next.raw))
    next = next.issuerCertificate
  }
  return chain
}

/** Of PEM texts, each of which may hold several. */
export const certificatesOf = (pems: readonly string[]): X509Certificate[] =>
  pems.flatMap((pem) =>
    (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
      (one) => new X509Certificate(one),
    ),
  )
