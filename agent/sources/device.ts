import type { Clock } from '../../core/clock.ts'
import { backoffMs, type RetryPolicy } from '../../core/retry.ts'
import { DeviceError, deviceError, failing } from './device-error.ts'
import { createSchedule } from './schedule.ts'
import type { Sample, SourceContext } from './source.ts'

export interface PollOptions {
  intervalMs: number
  /** For a connect and for a read, each. */
  timeoutMs: number
}

export interface Device {
  /** Opens what is needed for a read; called again after it failed. */
  connect(signal: AbortSignal): Promise<void>
  /** A value that cannot be had is a Bad sample; it rejects when the device does not answer. */
  read(signal: AbortSignal): Promise<readonly Sample[]>
  /** Closes, also what is half open; never rejects. */
  close(): Promise<void>
  /** What the points get when the device does not answer: one Bad sample each. */
  unavailable(error: DeviceError): readonly Sample[]
}

/**
 * Reads a device on schedule. One that does not answer in time is closed, its points turn Bad once, and
 * it is tried again after a back-off that grows to a minute, so that it costs nobody else anything. The
 * first read that works ends that; from then on the schedule is as before.
 */
export function polling(
  context: SourceContext,
  { intervalMs, timeoutMs }: PollOptions,
  device: Device,
): (signal: AbortSignal) => Promise<void> {
  const { clock, random, log } = context

  return async (signal) => {
    const schedule = createSchedule(intervalMs, clock)
    let isOpen = false
    let failures = 0
    let reason: string | undefined

    async function read(): Promise<void> {
      if (!isOpen) await within(timeoutMs, clock, signal, 'connect', device.connect.bind(device))
      isOpen = true
      const samples = await within(timeoutMs, clock, signal, 'answer', device.read.bind(device))
      // Not awaited: a slow disk must not slow the polling.
      void context.storeOrLose(samples)
    }

    async function close(): Promise<void> {
      isOpen = false
      // A device that hangs while it is closed must not hang its source.
      await within(timeoutMs, clock, new AbortController().signal, 'close', device.close.bind(device)).catch(
        (err) => log.warn({ err }, 'device is not closed'),
      )
    }

    async function failed(error: DeviceError): Promise<void> {
      await close()
      if (reason !== error.reason) {
        reason = error.reason
        log.warn({ err: error, reason }, 'device does not answer')
        void context.storeOrLose(device.unavailable(error))
      }
      context.report(failing(error))
      await clock.sleep(backoffMs(failures++, retry, random), signal)
    }

    function answered(): void {
      if (failures > 0) schedule.catchUp()
      if (reason !== undefined) log.info('device answers again')
      context.report({ at: 'connected' })
      failures = 0
      reason = undefined
    }

    context.report({ at: 'connecting' })
    try {
      for (;;) {
        if (failures === 0) context.turned(await schedule.next(signal))
        try {
          await read()
        } catch (error) {
          signal.throwIfAborted()
          await failed(deviceError(error))
          continue
        }
        answered()
      }
    } finally {
      await close()
    }
  }
}

const retry: RetryPolicy = { initialMs: 1_000, maxMs: 60_000 }

/** Gives up after `ms`, also on a task that does not listen to its signal. */
async function within<T>(
  ms: number,
  clock: Clock,
  signal: AbortSignal,
  what: 'connect' | 'answer' | 'close',
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  const limit = new AbortController()
  const over = new AbortController()
  const stop = () => limit.abort(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  const { promise, reject } = Promise.withResolvers<never>()
  limit.signal.addEventListener('abort', () => reject(limit.signal.reason), { once: true })
  clock.sleep(ms, over.signal).then(
    () => limit.abort(late(what, ms)),
    () => {}, // it was in time
  )
  try {
    return await Promise.race([task(limit.signal), promise])
  } catch (error) {
    throw limit.signal.aborted ? limit.signal.reason : error
  } finally {
    over.abort()
    signal.removeEventListener('abort', stop)
  }
}

const late = (what: 'connect' | 'answer' | 'close', ms: number) =>
  new DeviceError('timeout', `the device did not ${what} within ${ms} ms`, {
    cure: 'Check that it is on and reachable, and its address; a slow one needs a longer timeout.',
  })
