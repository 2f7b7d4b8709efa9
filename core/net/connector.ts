import { isIP, type Socket } from 'node:net'
import { EdgeError } from '../errors.ts'
import { hostOf, originOf, portOf } from './address.ts'
import type { readConfig } from './config.ts'
import { isSecure, refusePlaintext } from './plaintext.ts'
import { type HttpProxy, tunnel } from './proxy.ts'
import { addressesOf, dial } from './tcp.ts'
import { secure, type TlsOptions } from './tls.ts'
import { type Step, Unreachable, unreachable } from './unreachable.ts'

export interface ConnectOptions {
  /** PEM of an authority trusted besides the usual ones. */
  ca?: string | undefined
  signal?: AbortSignal | undefined
  /** Until the connection is ready; `proxy.connect_timeout` unless told. */
  timeoutMs?: number
  admit?: Admit | undefined
  /** Clear text over the network, too: for a device in the field that speaks nothing else. */
  clearText?: boolean | undefined
}

/**
 * Throws when one of the addresses of a host must not be connected to. The connection goes to the very
 * addresses that it was asked about. A name that the HTTP proxy resolves is that proxy's to judge.
 */
export type Admit = (addresses: readonly string[]) => void

/** How far one attempt has come, and what holds for all its parts. */
interface Attempt extends Pick<TlsOptions, 'ca' | 'client' | 'time'> {
  step: Step
  signal: AbortSignal
}

/** DNS, TCP, proxy and TLS to the far side of a URL. Errors as `Network.connect` says. */
export function createConnector(config: ReturnType<typeof readConfig>) {
  const { proxy, bypass, client, connectTimeoutMs } = config

  return async (target: URL, options: ConnectOptions, time: TlsOptions['time']): Promise<Socket> => {
    if (!options.clearText) refusePlaintext(target)
    const limitMs = options.timeoutMs ?? connectTimeoutMs
    const limit = AbortSignal.timeout(limitMs)
    const attempt: Attempt = {
      step: 'resolve',
      signal: options.signal ? AbortSignal.any([options.signal, limit]) : limit,
      ca: options.ca === undefined ? config.ca : [...config.ca, options.ca],
      client,
      time,
    }
    try {
      attempt.signal.throwIfAborted()
      const direct = proxy === undefined || bypass(target)
      if (!direct && isIP(hostOf(target))) options.admit?.([hostOf(target)])
      const socket = direct
        ? await reach(target, attempt, options.admit)
        : await throughProxy(proxy, target, attempt)
      return isSecure(target) ? await prove(socket, target, attempt) : socket
    } catch (error) {
      if (options.signal?.aborted) throw options.signal.reason
      if (error instanceof EdgeError && !limit.aborted) throw error
      if (!limit.aborted) throw unreachable(originOf(target), error as Error, attempt.step)
      const reason = `no connection within ${limitMs} ms; it was waiting for ${awaited[attempt.step]}`
      throw new Unreachable(originOf(target), 'timeout', reason)
    }
  }
}

const awaited: Record<Step, string> = {
  resolve: 'the DNS',
  connect: 'the TCP connection',
  proxy: 'the proxy',
  tls: 'the TLS handshake',
  timeout: 'the connection',
  answer: 'the answer',
}

async function reach(url: URL, attempt: Attempt, admit?: Admit): Promise<Socket> {
  attempt.step = 'resolve'
  const addresses = await addressesOf(hostOf(url), attempt.signal)
  admit?.(addresses.map(({ address }) => address))
  attempt.step = 'connect'
  return dial(addresses, portOf(url), attempt.signal)
}

async function prove(socket: Socket, url: URL, attempt: Attempt): Promise<Socket> {
  attempt.step = 'tls'
  return secure(socket, { ...attempt, host: hostOf(url) }, attempt.signal)
}

/** Whatever fails on the way to the proxy is a failure of the step `proxy`. */
async function throughProxy(proxy: HttpProxy, target: URL, attempt: Attempt): Promise<Socket> {
  const { url } = proxy
  try {
    const socket = await reach(url, attempt)
    const ready = isSecure(url) ? await prove(socket, url, attempt) : socket
    attempt.step = 'proxy'
    return await tunnel(ready, target, proxy, attempt.signal)
  } catch (error) {
    if (attempt.signal.aborted || error instanceof Unreachable) throw error
    const { message } = unreachable(`the proxy ${originOf(url)}`, error as Error, attempt.step)
    throw new Unreachable(originOf(target), 'proxy', message, { cause: error })
  }
}
