import { EdgeError } from '../../core/errors.ts'
import { Unreachable } from '../../core/net/index.ts'
import type { DeviceState } from './source.ts'

/** A device in the field did not do what was asked of it. */
export class DeviceError extends EdgeError {
  override readonly name = 'DeviceError'
  readonly code = 'device_failed'
  override readonly retryable = true
  override readonly statusCode = 502
  override readonly exitCode = 5
  /** snake_case; API. */
  readonly reason: string
  override readonly cure: string

  /** `message` says what is the matter, `cure` what a technician can do about it, each as plain words. */
  constructor(reason: string, message: string, { cure, ...options }: ErrorOptions & { cure: string }) {
    super(message, options)
    this.reason = reason
    this.cure = cure
  }
}

/** Puts what a socket, a file or a library threw into words; a DeviceError stays what it is. */
export function deviceError(error: unknown): DeviceError {
  if (error instanceof DeviceError) return error
  const { message } = error as Error
  const known = causes[errnoOf(error) ?? '']
  if (known) return new DeviceError(known.reason, message, { cause: error, cure: known.cure })
  if (error instanceof EdgeError)
    return new DeviceError(error instanceof Unreachable ? `unreachable_${error.step}` : error.code, message, {
      cause: error,
      cure: error.cure ?? lookIntoTheLog,
    })
  return new DeviceError('device_failed', message, { cause: error, cure: lookIntoTheLog })
}

export const failing = ({ reason, message, cure }: DeviceError): DeviceState => ({
  at: 'failing',
  reason,
  message: `${message.replace(/\.$/, '')}. ${cure}`,
})

const lookIntoTheLog = 'The log of edgeward has the details.'

const causes: Readonly<Record<string, { reason: string; cure: string }>> = {
  ECONNREFUSED: {
    reason: 'connection_refused',
    cure: 'The device is there but takes no connection on this port: check the port, whether the service is switched on in the device, and whether it takes another client at the same time.',
  },
  ECONNRESET: {
    reason: 'connection_reset',
    cure: 'The device hung up: check how many clients it takes at the same time.',
  },
  EPIPE: {
    reason: 'connection_reset',
    cure: 'The device hung up: check how many clients it takes at the same time.',
  },
  EHOSTUNREACH: {
    reason: 'host_unreachable',
    cure: 'Nobody answers at this address: check the address, the cable and that the device is on.',
  },
  ENETUNREACH: {
    reason: 'network_unreachable',
    cure: 'This box has no way to this network: check its own address, netmask and gateway.',
  },
  ETIMEDOUT: {
    reason: 'timeout',
    cure: 'Check the address, that the device is on, and that no firewall is between.',
  },
  ENOTFOUND: { reason: 'unknown_host', cure: 'Check the host name and the DNS servers of this box.' },
  EAI_AGAIN: { reason: 'unknown_host', cure: 'Check the host name and the DNS servers of this box.' },
  ENOENT: { reason: 'no_such_file', cure: 'Check the path, and that the adapter is plugged in.' },
  EACCES: { reason: 'permission_denied', cure: 'Let the user that edgeward runs as read and write it.' },
  EBUSY: { reason: 'in_use', cure: 'Another program uses it: stop that, or use another one.' },
}

/** That of the error itself or of what lies below it. */
function errnoOf(error: unknown): string | undefined {
  for (let depth = 0; depth < 5 && error instanceof Error; depth++) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== undefined && Object.hasOwn(causes, code)) return code
    error = error instanceof AggregateError ? error.errors[0] : error.cause
  }
  return undefined
}
