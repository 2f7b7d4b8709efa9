import type { Duplex } from 'node:stream'
import type { Clock } from '../../../core/clock.ts'
import { DeviceError, deviceError } from '../device-error.ts'
import type { Span } from './blocks.ts'
import { connectionLost, ModbusException, malformed, noAnswer, noAnswerOnBus } from './faults.ts'
import { rtuFraming, tcpFraming } from './framing.ts'
import { type Line, openLine } from './line.ts'
import type { Place } from './settings.ts'
import { createTurns } from './turns.ts'

/** One connection to a device, a gateway or a bus, for all sources that read from there. */
export interface Link extends AsyncDisposable {
  readonly place: Place
  /** Connects unless it is connected. Rejects with a DeviceError or the signal's reason. */
  connect(signal: AbortSignal): Promise<void>
  /**
   * The registers as they came, or the bits eight to a byte. Requests go out one at a time, in the order
   * they were made. Rejects with a ModbusException, a DeviceError, or the signal's reason.
   */
  read(span: Span, timeoutMs: number, signal: AbortSignal): Promise<Buffer>
}

export interface LinkDeps {
  clock: Clock
  openStream(place: Place, signal: AbortSignal): Promise<Duplex>
}

/** So soon after a failed attempt, others who share the link are told the same. */
const failureHoldsMs = 500
/** TCP: after so many time-outs in a row the connection may be dead without anybody having said so. */
const maxSilences = 3

export function openLink({ clock, openStream }: LinkDeps, place: Place): Link {
  const isSerial = place.transport === 'rtu'
  const isBus = place.transport !== 'tcp'
  const turns = createTurns()
  const closed = new AbortController()
  /** Units whose last request was answered. */
  const answering = new Set<number>()
  /** Until when a late answer of a unit could be taken for that to its next request; on a bus they have no numbers. */
  const settledAt = new Map<number, number>()
  let line: Line | undefined
  let silences = 0
  let failed: { error: DeviceError; at: number } | undefined

  async function connected(signal: AbortSignal): Promise<Line> {
    if (line?.isOpen) return line
    if (failed && clock.monotonic() - failed.at < failureHoldsMs) throw failed.error
    const stop = AbortSignal.any([signal, closed.signal])
    try {
      const stream = await openStream(place, stop)
      const framing = place.transport === 'tcp' ? tcpFraming() : rtuFraming()
      line = await openLine(stream, framing, (cause) => connectionLost(place.name, cause))
      if (closed.signal.aborted) line.close(connectionLost(place.name))
    } catch (error) {
      stop.throwIfAborted()
      failed = { error: deviceError(error), at: clock.monotonic() }
      throw failed.error
    }
    failed = undefined
    silences = 0
    return line
  }

  function silent(on: Line, { unit }: Span, timeoutMs: number): DeviceError {
    const othersAnswer = [...answering].some((other) => other !== unit)
    if (isBus) {
      if (on.unread > 0) return malformed(`${on.unread} bytes without a right checksum`, true)
      return noAnswerOnBus(unit, place.name, timeoutMs, othersAnswer)
    }
    return noAnswer(unit, place.name, timeoutMs, othersAnswer)
  }

  async function ask(span: Span, timeoutMs: number, signal: AbortSignal): Promise<Buffer> {
    const on = await connected(signal)
    signal.throwIfAborted()
    const over = new AbortController()
    const giveUp = (reason: unknown) => {
      if (isBus) settledAt.set(span.unit, clock.monotonic() + timeoutMs)
      on.abandon(reason)
    }
    const abort = () => giveUp(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    clock.sleep(timeoutMs, over.signal).then(
      () => giveUp(silent(on, span, timeoutMs)),
      () => {}, // answered in time
    )
    try {
      const bytes = await on.read(span)
      heard(span)
      return bytes
    } catch (error) {
      signal.throwIfAborted()
      throw asFault(error, span, on)
    } finally {
      over.abort()
      signal.removeEventListener('abort', abort)
      if (isSerial) await clock.sleep(pauseMs(place.serial.baudRate))
    }
  }

  function heard({ unit }: Span): void {
    silences = 0
    answering.add(unit)
  }

  function asFault(error: unknown, span: Span, on: Line): DeviceError {
    const { modbusCode } = error as { modbusCode?: number }
    if (modbusCode !== undefined) {
      const exception = new ModbusException(modbusCode, describe(span))
      if (!exception.isSilence) heard(span)
      return exception
    }
    const fault = deviceError(error)
    if (isDisturbance(fault)) {
      answering.delete(span.unit)
      if (!isSerial && ++silences >= maxSilences) on.close(fault)
    }
    return fault
  }

  /** A unit whose answer may still come is not asked; meanwhile the others are. */
  async function settledAsk(span: Span, timeoutMs: number, signal: AbortSignal): Promise<Buffer> {
    const waitMs = () => (settledAt.get(span.unit) ?? 0) - clock.monotonic()
    for (;;) {
      if (waitMs() > 0) await clock.sleep(waitMs(), signal)
      const bytes = await turns.take(signal, async () =>
        waitMs() > 0 ? undefined : ask(span, timeoutMs, signal),
      )
      if (bytes) return bytes
    }
  }

  return {
    place,
    connect: (signal) => turns.take(signal, async () => void (await connected(signal))),
    async read(span, timeoutMs, signal) {
      // A frame may be disturbed on a bus: who answers else is asked again, after those who wait.
      const mayRepeat = isBus && answering.has(span.unit)
      try {
        return await settledAsk(span, timeoutMs, signal)
      } catch (error) {
        if (!mayRepeat || !isDisturbance(error)) throw error
        return settledAsk(span, timeoutMs, signal)
      }
    },
    async [Symbol.asyncDispose]() {
      closed.abort()
      line?.close(connectionLost(place.name))
      await line?.closed
    },
  }
}

const isDisturbance = (error: unknown): boolean =>
  error instanceof DeviceError && (error.reason === 'no_answer' || error.reason === 'malformed_answer')

/** RTU tells frames apart by 3.5 characters of silence, and never less than 1.75 ms. */
const pauseMs = (baudRate: number): number => Math.max(1.75, (3.5 * 11 * 1_000) / baudRate)

const describe = ({ unit, table, address, count }: Span): string =>
  `${table} ${count === 1 ? address : `${address} to ${address + count - 1}`} of unit ${unit}`
