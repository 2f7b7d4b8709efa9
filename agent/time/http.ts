import type { Clock } from '../../core/clock.ts'
import { EdgeError } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import { type Http, isDateError, type Network } from '../../core/net/index.ts'
import type { Guard } from './guard.ts'

export interface DateErrorDeps {
  network: Pick<Network, 'http' | 'readServerTime'>
  time: Pick<Guard, 'heardUnproven'>
  clock: Clock
  log: Logger
}

/** A server is asked for its time this often at most: a certificate that has truly expired stays so. */
const askIntervalMs = 120_000

/**
 * HTTP for a box whose clock may be years off: where the dates of a certificate are the only fault, the
 * server is asked for its time, without credentials, and the request is made again, with the dates
 * verified at that time.
 */
export function correctingDates({ network, time, clock, log }: DateErrorDeps): Http {
  const askedAt = new Map<string, number>()

  /** True when we have learnt something that makes another attempt worth while. */
  async function learnFrom(origin: string, ca: string | undefined): Promise<boolean> {
    const before = askedAt.get(origin)
    const startedAt = clock.monotonic()
    if (before !== undefined && startedAt < before + askIntervalMs) return false
    askedAt.set(origin, startedAt)
    try {
      const told = await network.readServerTime(origin, ca)
      const roundTripMs = clock.monotonic() - startedAt
      const isTaken = time.heardUnproven({ time: told, resolutionMs: 1000, roundTripMs })
      log.warn(
        { origin, told: new Date(told), isTaken },
        'certificate dates do not fit; asked the server for the time',
      )
      return isTaken
    } catch (error) {
      if (!(error instanceof EdgeError)) throw error
      log.warn({ origin, reason: error.message }, 'the server did not tell the time')
      return false
    }
  }

  return async (request) => {
    try {
      return await network.http(request)
    } catch (error) {
      if (!isDateError(error) || !(await learnFrom(new URL(request.url).origin, request.ca))) throw error
      return network.http(request)
    }
  }
}
