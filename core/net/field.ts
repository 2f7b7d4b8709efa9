import type { Socket } from 'node:net'
import { addressesOf, dial } from './tcp.ts'
import { type Step, Unreachable, unreachable } from './unreachable.ts'

/** Where a device in the field listens. */
export interface FieldAddress {
  host: string
  port: number
}

export interface FieldOptions {
  signal?: AbortSignal | undefined
  /** DNS and TCP together. */
  timeoutMs: number
}

/** As `Network.connectField` says. */
export async function connectField(
  { host, port }: FieldAddress,
  { signal, timeoutMs }: FieldOptions,
): Promise<Socket> {
  const target = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  const limit = AbortSignal.timeout(timeoutMs)
  const either = signal ? AbortSignal.any([signal, limit]) : limit
  let step: Step = 'resolve'
  try {
    either.throwIfAborted()
    const addresses = await addressesOf(host, either)
    step = 'connect'
    return await dial(addresses, port, either)
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    if (!limit.aborted) throw unreachable(target, error as Error, step)
    throw new Unreachable(target, 'timeout', `no connection within ${timeoutMs} ms`)
  }
}
