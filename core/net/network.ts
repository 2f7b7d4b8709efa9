import type { Socket } from 'node:net'
import { originOf } from './address.ts'
import { type NetworkConfig, readConfig } from './config.ts'
import { type ConnectOptions, createConnector } from './connector.ts'
import { connectField, type FieldAddress, type FieldOptions } from './field.ts'
import { exchange, type Http, type HttpRequest, type HttpResponse } from './http.ts'
import type { TlsOptions } from './tls.ts'
import { Unreachable } from './unreachable.ts'

export type { NetworkConfig } from './config.ts'

/** Every connection that leaves this process. */
export interface Network {
  readonly http: Http
  /**
   * A connection over which the far side of `target` (http, ws, mqtt, and each over TLS) can be spoken
   * to at once. Throws `Invalid` for clear text over the network, `Unreachable`, or the signal's reason.
   */
  connect(target: URL, options?: ConnectOptions): Promise<Socket>
  /**
   * TCP to a device of the plant whose protocol knows no TLS, such as Modbus: in clear text wherever it
   * is, and never through the proxy. Nothing that this box must keep to itself may go over it. Throws
   * `Unreachable`, or the signal's reason.
   */
  connectField(device: FieldAddress, options: FieldOptions): Promise<Socket>
  /**
   * Epoch milliseconds at a server, from any answer to a GET of `url` without credentials. Authority,
   * signatures and host name of its certificate are verified, its dates are not: for use after a date
   * error (`isDateError`) only, and whoever trusts the time connects again, with the dates verified at
   * that time. Throws `Unreachable`.
   */
  readServerTime(url: string, ca?: string): Promise<number>
}

export interface NetworkDeps {
  /** Epoch milliseconds where they are known and the clock of the system is wrong; else undefined. */
  trustedNow(): number | undefined
}

const systemTime: NetworkDeps = { trustedNow: () => undefined }

/** Throws `Invalid` when a file or value of the configuration cannot be used. */
export function openNetwork(
  { trustedNow }: NetworkDeps = systemTime,
  networkConfig: NetworkConfig = {},
): Network {
  const config = readConfig(networkConfig)
  const connect = createConnector(config)
  const certificateTime = () => trustedNow() ?? 'system'

  async function ask(request: HttpRequest, time: TlsOptions['time']): Promise<HttpResponse> {
    const url = new URL(request.url)
    const limitMs = request.timeoutMs ?? config.timeoutMs
    const limit = AbortSignal.timeout(limitMs)
    const signal = request.signal ? AbortSignal.any([request.signal, limit]) : limit
    try {
      const { ca, admit, clearText } = request
      const socket = await connect(url, { ca, admit, clearText, signal }, time)
      return await exchange(url, socket, request, signal)
    } catch (error) {
      if (request.signal?.aborted) throw request.signal.reason
      if (!limit.aborted) throw error
      throw new Unreachable(originOf(url), 'timeout', `no answer within ${limitMs} ms`)
    }
  }

  return {
    connect: (target, options = {}) => connect(target, options, certificateTime()),
    connectField,
    http: (request) => ask(request, certificateTime()),
    async readServerTime(url, ca) {
      const { headers } = await ask({ method: 'GET', url, ca }, 'any-time')
      const told = headers['server-time'] // ours, in seconds; `date` is everybody's
      const at = typeof told === 'string' ? Number(told) * 1000 : Date.parse(headers.date ?? '')
      if (Number.isFinite(at) && at > 0) return at
      throw new Unreachable(originOf(new URL(url)), 'answer', 'it does not tell the time')
    },
  }
}
