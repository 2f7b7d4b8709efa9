import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { Clock } from '../../core/clock.ts'
import { type HttpResponse, isDateError, type Network, Unreachable } from '../../core/net/index.ts'
import { serverTimeHeader } from '../../protocol/token.ts'
import { agentManagement, type Home } from '../onboarding/home.ts'

/**
 * How far an attempt came, made by the layer that all connections of the daemon go through, so that
 * what is found here is what the daemon meets.
 */
export type Reached =
  | { certificate?: { subject: string; issuer: string; expiresAt: number } }
  | { fault: Unreachable }

/** Each part of it is tried once, when somebody first asks, however many checks look at it. */
export interface HubProbe {
  /** Name, proxy, connection and TLS of the REST address. */
  reached(signal: AbortSignal): Promise<Reached>
  /** A request that needs no credential. Rejects with `Unreachable`. */
  answer(signal: AbortSignal): Promise<HttpResponse>
  /** How many milliseconds the hub's clock is ahead of ours; undefined when it did not tell. */
  clockOffsetMs(signal: AbortSignal): Promise<number | undefined>
}

/** Leaves time for a step after the one that hangs. */
const stepLimitMs = 3_000

export function createHubProbe(
  { network, clock }: { network: Network; clock: Clock },
  home: Pick<Home, 'baseUrl' | 'ca'>,
): HubProbe {
  const { baseUrl, ca } = home
  const reached = once((signal) => reach(network, { url: new URL(baseUrl), ca }, signal))
  const answer = once((signal) => {
    const url = `${agentManagement(home)}/oauth/token_key`
    return network.http({ method: 'GET', url, ca, timeoutMs: stepLimitMs, signal })
  })

  const clockOffsetMs = once(async (signal) => {
    const outcome = await reached(signal)
    if ('fault' in outcome && !isDateError(outcome.fault)) return undefined
    try {
      const hub =
        'fault' in outcome ? await network.readServerTime(baseUrl, ca) : timeOf(await answer(signal))
      return hub === undefined ? undefined : hub - clock.now()
    } catch {
      return undefined // other checks say why
    }
  })
  return { reached, answer, clockOffsetMs }
}

/** Connects to one address of the hub and hangs up. */
export async function reach(
  network: Pick<Network, 'connect'>,
  { url, ca }: { url: URL; ca: string | undefined },
  signal: AbortSignal,
): Promise<Reached> {
  try {
    const socket = await network.connect(url, { timeoutMs: stepLimitMs, signal, ...(ca ? { ca } : {}) })
    const certificate = certificateOf(socket)
    socket.destroy()
    return certificate ? { certificate } : {}
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error
    return { fault: error }
  }
}

function certificateOf(socket: Duplex) {
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined
  return (
    certificate && {
      subject: certificate.subject.replaceAll('\n', ', '),
      issuer: certificate.issuer.replaceAll('\n', ', '),
      expiresAt: Date.parse(certificate.validTo),
    }
  )
}

/** Our own header first, which nobody on the way sets; both count whole seconds. */
function timeOf({ headers }: HttpResponse): number | undefined {
  const own = headers[serverTimeHeader]
  const at = typeof own === 'string' ? Number(own) * 1000 : Date.parse(headers.date ?? '')
  return Number.isFinite(at) ? at : undefined
}

function once<T>(ask: (signal: AbortSignal) => Promise<T>): (signal: AbortSignal) => Promise<T> {
  let asked: Promise<T> | undefined
  return (signal) => {
    asked ??= ask(signal)
    return asked
  }
}
