import type { Clock } from '../../../core/clock.ts'
import type { Logger } from '../../../core/log.ts'
import type { Random } from '../../../core/random.ts'
import { backoffMs, type RetryPolicy } from '../../../core/retry.ts'
import type { Stamp } from '../../../protocol/reading.ts'
import { DeviceError } from '../device-error.ts'
import type { Sample } from '../source.ts'
import { type Block, type BlockLimits, planBlocks, split } from './blocks.ts'
import { ModbusException, qualityOf } from './faults.ts'
import type { Link } from './link.ts'
import { badSamples, type DevicePoint, samplesOf } from './points.ts'

export interface ReaderDeps {
  clock: Clock
  random: Random
  log: Logger
  stamp(): Stamp
}

/** Reads the points of one data source, block by block. */
export interface Reader {
  /**
   * What has changed its place to be read is remembered. Rejects with a DeviceError when none of the
   * units answers, or with the signal's reason.
   */
  read(link: Link, signal: AbortSignal): Promise<Sample[]>
  unavailable(error: DeviceError): Sample[]
}

interface Request {
  block: Block<DevicePoint>
  /** The device refused it, and is not asked again before. */
  restsUntil?: number
}

/** One device on the bus: it may be silent while the others answer. */
interface Unit {
  points: readonly DevicePoint[]
  requests: Request[]
  silence?: { reason: string; failures: number; until: number }
}

/** What a device does not have, it may have after an update or a change of its settings. */
const refusedRestMs = 60_000
const silentRest: RetryPolicy = { initialMs: 1_000, maxMs: 60_000 }

export function createReader(
  { clock, random, log, stamp }: ReaderDeps,
  points: readonly DevicePoint[],
  { timeoutMs, ...limits }: BlockLimits & { timeoutMs: number },
): Reader {
  const units: Unit[] = [...Map.groupBy(points, ({ unit }) => unit).values()].map((own) => ({
    points: own,
    requests: planBlocks(own, limits).map((block) => ({ block })),
  }))

  async function readUnit(unit: Unit, link: Link, signal: AbortSignal, samples: Sample[]): Promise<void> {
    const waiting = unit.requests
    const done: Request[] = []
    unit.requests = done
    try {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        done.push(next) // also when it fails: it stays to be asked
        if ((next.restsUntil ?? 0) > clock.monotonic()) continue
        const parts = await readBlock(next, link, signal, samples)
        if (!parts) continue
        done.pop()
        waiting.unshift(...parts)
      }
    } finally {
      done.push(...waiting)
    }
  }

  /** Returns what to ask instead, should the device have refused only a part of it. */
  async function readBlock(
    request: Request,
    link: Link,
    signal: AbortSignal,
    samples: Sample[],
  ): Promise<Request[] | undefined> {
    const { block } = request
    try {
      samples.push(...samplesOf(block, await link.read(block, timeoutMs, signal), stamp()))
      delete request.restsUntil
    } catch (error) {
      if (!(error instanceof ModbusException) || error.isSilence) throw error
      const parts = error.isAboutAddress ? split(block) : undefined
      if (parts) return parts.map((part) => ({ block: part }))
      if (request.restsUntil === undefined && error.isLasting)
        log.warn(
          { err: error, cure: error.cure, points: block.points.map(({ id }) => id) },
          'device refuses points',
        )
      if (error.isLasting) request.restsUntil = clock.monotonic() + refusedRestMs
      samples.push(...badSamples(block.points, error.reason, error.quality, stamp()))
    }
    return undefined
  }

  function silent(unit: Unit, error: DeviceError, samples: Sample[]): void {
    const { reason, failures = 0 } = unit.silence ?? {}
    if (reason !== error.reason) {
      log.warn({ err: error, cure: error.cure }, 'unit does not answer, others do')
      samples.push(...badSamples(unit.points, error.reason, qualityOf(error), stamp()))
    }
    const until = clock.monotonic() + backoffMs(failures, silentRest, random)
    unit.silence = { reason: error.reason, failures: failures + 1, until }
  }

  return {
    async read(link, signal) {
      const samples: Sample[] = []
      for (const unit of units) {
        if (unit.silence && unit.silence.until > clock.monotonic()) continue
        try {
          await readUnit(unit, link, signal, samples)
          delete unit.silence
        } catch (error) {
          signal.throwIfAborted()
          if (!(error instanceof DeviceError)) throw error
          const isAlone = units.every((other) => other === unit || other.silence)
          if (isAlone || !isOfOneUnit(error)) {
            for (const each of units) delete each.silence // when it is tried again, all are
            throw error
          }
          silent(unit, error, samples)
        }
      }
      return samples
    },
    unavailable: (error) => badSamples(points, error.reason, qualityOf(error), stamp()),
  }
}

/** Not of the connection, which is everybody's. */
const isOfOneUnit = (error: DeviceError): boolean =>
  error instanceof ModbusException || error.reason === 'no_answer' || error.reason === 'malformed_answer'
