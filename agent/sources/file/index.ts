import type { Clock } from '../../../core/clock.ts'
import { backoffMs, type RetryPolicy } from '../../../core/retry.ts'
import { statusCode } from '../../../protocol/reading.ts'
import { DeviceError, deviceError, failing } from '../device-error.ts'
import { intervalMs } from '../interval.ts'
import { protocol, type SourceContext } from '../source.ts'
import { bad } from '../typed.ts'
import { lineReader, type ReadLine } from './line.ts'
import { readPosition, writtenPosition } from './position.ts'
import { check, type FilePoint, Point, Source, type SourceSettings } from './settings.ts'
import { createTail } from './tail.ts'

/** Lines that another program appends to a file. */
export const file = protocol({
  customData: { source: Source, point: Point },
  localOnly: true,
  check,

  create({ custom, points }, context) {
    const read = lineReader(custom, points)
    return {
      async run(signal) {
        const fault = createFault(context, points)
        context.report({ at: 'connecting' })
        for (;;) {
          try {
            await following(custom, context, { read, fault }, signal)
          } catch (error) {
            signal.throwIfAborted()
            await fault.wait(error, signal)
          }
        }
      },
    }
  },
})

interface Following {
  read: ReadLine
  fault: ReturnType<typeof createFault>
}

/**
 * Lines, then the position behind them, each on disk before the next: what was cut off in between is
 * read again. Until aborted; rejects when the file cannot be read or its readings are not kept.
 */
async function following(
  { path, from = 'end', encoding = 'utf-8', interval = '1s' }: SourceSettings,
  context: SourceContext,
  { read, fault }: Following,
  signal: AbortSignal,
): Promise<never> {
  const { clock, memory, log } = context
  await using tail = createTail({ log }, { path, from, encoding })
  const known = readPosition(await memory.read(), path)
  const remember = () => memory.write(writtenPosition(path, tail.position()))
  await tail.begin(known)
  if (!known) await remember()
  for (;;) {
    signal.throwIfAborted()
    const lines = await tail.next()
    if (lines) {
      const received = context.stamp()
      const samples = lines.flatMap((line) => read(line, received))
      const kept = context.storeOrRefuse(samples).catch((cause) => Promise.reject(new NotKept(cause)))
      await unlessEnded(kept, clock, signal)
      await remember()
    }
    fault.none(tail.isGone())
    if (!lines) await clock.sleep(intervalMs(interval), signal)
  }
}

/** How long the end waits for the readings to be kept, so that they need not be read again. */
const endMs = 2_000

/** A disk that takes nothing must not hold up the end. */
async function unlessEnded(kept: Promise<void>, clock: Clock, signal: AbortSignal): Promise<void> {
  const over = new AbortController()
  const { promise, reject } = Promise.withResolvers<never>()
  const giveUp = () =>
    void clock.sleep(endMs, over.signal).then(
      () => reject(signal.reason),
      () => {}, // they were kept in time
    )
  signal.addEventListener('abort', giveUp, { once: true })
  if (signal.aborted) giveUp()
  try {
    await Promise.race([kept, promise])
  } finally {
    over.abort()
    signal.removeEventListener('abort', giveUp)
  }
}

/** The lines stay where they are, and are read again. */
class NotKept extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause })
  }
}

const retry: RetryPolicy = { initialMs: 1_000, maxMs: 30_000 }
/** Between the end of one file and the beginning of the next one. */
const patienceMs = 30_000

/** How the source stands with its file. */
function createFault(
  { clock, random, log, stamp, report, storeOrLose }: SourceContext,
  points: readonly FilePoint[],
) {
  let failures = 0
  let reason: string | undefined
  let goneSince: number | undefined

  function is(error: DeviceError): void {
    if (reason !== error.reason) {
      reason = error.reason
      log.warn({ err: error, reason }, 'file cannot be read')
      const fault = bad(error.reason, statusCode.badNotConnected)
      void storeOrLose(points.map(({ id }) => ({ point: id, ...fault, ...stamp() })))
    }
    report(failing(error))
  }

  return {
    async wait(error: unknown, signal: AbortSignal): Promise<void> {
      if (!(error instanceof NotKept)) is(deviceError(error))
      await clock.sleep(backoffMs(failures++, retry, random), signal)
    },
    none(isGone: boolean): void {
      failures = 0
      goneSince = isGone ? (goneSince ?? clock.monotonic()) : undefined
      if (goneSince !== undefined && clock.monotonic() - goneSince > patienceMs) is(gone())
      else {
        reason = undefined
        report({ at: 'connected' })
      }
    },
  }
}

const gone = () =>
  new DeviceError('no_such_file', 'the file was moved or deleted, and there is no new one', {
    cure: 'Check that the program that writes it runs.',
  })
