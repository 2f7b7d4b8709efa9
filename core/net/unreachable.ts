import { EdgeError } from '../errors.ts'
import { CertificateRefused } from './certificate.ts'

/** What is done for an exchange, in this order. */
export type Step = 'resolve' | 'connect' | 'proxy' | 'tls' | 'timeout' | 'answer'

/** The far side did not answer. `step` names how far it came. */
export class Unreachable extends EdgeError {
  override readonly name = 'Unreachable'
  readonly code = 'unreachable'
  override readonly retryable = true
  override readonly statusCode = 502
  override readonly exitCode = 5
  override readonly cure: string
  readonly step: Step

  constructor(target: string, step: Step, reason: string, options: ErrorOptions & { cure?: string } = {}) {
    super(`${target} cannot be reached (${step}): ${reason}`, options)
    this.step = step
    this.cure = options.cure ?? cures[step]
  }
}

const cures: Record<Step, string> = {
  resolve: 'Check the host name and the DNS servers of this box.',
  connect: 'Check that the far side runs and that no firewall is between.',
  proxy: 'Check proxy.url and that the proxy runs.',
  tls: 'Check that the far side speaks TLS on this port, and which versions.',
  timeout: 'Check the network between this box and the far side.',
  answer: 'The far side hung up, or sent what its protocol does not know; see its log.',
}

/** Only the dates stood against the certificate, which may mean that the clock of this box is wrong. */
export function isDateError(error: unknown): boolean {
  const cause = error instanceof Unreachable ? error.cause : error
  return cause instanceof CertificateRefused && (cause.fault === 'expired' || cause.fault === 'not-yet-valid')
}

/** Turns what a socket or parser threw into the step that failed; `step` where the error names none. */
export function unreachable(target: string, cause: Error, step: Step = 'answer'): Unreachable {
  if (cause instanceof Unreachable) return cause
  if (cause instanceof CertificateRefused)
    return new Unreachable(target, 'tls', cause.message, { cause, cure: cause.cure })
  const { code = '' } = cause as NodeJS.ErrnoException
  return new Unreachable(target, stepOf(code) ?? step, reasonOf(cause), { cause })
}

function stepOf(code: string): Step | undefined {
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'resolve'
  if (/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)$/.test(code)) return 'connect'
  return /^ERR_(TLS|SSL)|EPROTO/.test(code) ? 'tls' : undefined
}

/** A host with several addresses fails once for each. */
function reasonOf(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map((each: Error) => each.message).join('; ')
  return error.message || (error as NodeJS.ErrnoException).code || error.name
}
