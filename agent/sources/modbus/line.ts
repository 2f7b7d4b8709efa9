import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { Span } from './blocks.ts'
import type { Framing } from './framing.ts'
import type { Table } from './settings.ts'

/** An open connection to a device, gateway or bus; of no more use once it was closed. */
export interface Line {
  readonly isOpen: boolean
  /**
   * The registers, or the bits eight to a byte. Rejects with an exception of the device as the library
   * tells it, a DeviceError after which the line is closed, or what it was abandoned with.
   */
  read(span: Span): Promise<Buffer>
  /** Nobody waits for the answer any more. */
  abandon(reason: unknown): void
  /** Bytes that came instead of an answer. */
  readonly unread: number
  close(reason: Error): void
  /** Resolves when nothing of it is open any more. */
  readonly closed: Promise<void>
}

const calls = {
  coil: 'writeFC1',
  discrete: 'writeFC2',
  holding: 'writeFC3',
  input: 'writeFC4',
} as const satisfies Record<Table, string>

/** `lost`: what is told when the far side hangs up. */
export async function openLine(
  stream: Duplex,
  framing: Framing,
  lost: (cause?: Error) => Error,
): Promise<Line> {
  let pending: PromiseWithResolvers<Buffer> | undefined
  let fault: Error | undefined

  const close = (reason: Error) => {
    fault ??= reason
    pending?.reject(fault)
    pending = undefined
    stream.destroy()
  }
  const closed = Promise.withResolvers<void>()
  stream.once('error', (error: Error) => close(lost(error)))
  stream.once('close', () => {
    close(lost())
    closed.resolve()
  })
  if (stream.closed) {
    close(lost())
    closed.resolve()
  }
  const { default: library } = await import('modbus-serial') // not loaded unless there is a Modbus device
  const client = new library.default(new Port(stream, framing, close))
  client.on('error', (error) => close(error as Error))
  await new Promise<void>((resolve) => client.open(resolve))

  return {
    get isOpen() {
      return fault === undefined
    },
    get unread() {
      return framing.unread
    },
    read({ unit, table, address, count }) {
      if (stream.destroyed) close(lost())
      if (fault) return Promise.reject(fault)
      const asked = Promise.withResolvers<Buffer>()
      pending = asked
      client[calls[table]](unit, address, count, (error, result) => {
        if (pending === asked) pending = undefined
        if (error) asked.reject(error)
        else asked.resolve(result.buffer)
      })
      return asked.promise
    },
    abandon(reason) {
      framing.abandon()
      pending?.reject(reason)
      pending = undefined
    },
    close,
    closed: closed.promise,
  }
}

/**
 * What the library takes for a serial port. Its own ones find an answer anywhere in what was received,
 * also in what is left of an older answer, and open connections by themselves.
 */
class Port extends EventEmitter {
  readonly #stream: Duplex
  readonly #framing: Framing

  constructor(stream: Duplex, framing: Framing, close: (reason: Error) => void) {
    super()
    this.#stream = stream
    this.#framing = framing
    stream.on('data', (chunk: Buffer) => {
      if (stream.destroyed) return
      try {
        const answer = framing.receive(chunk)
        if (answer) this.emit('data', answer)
      } catch (error) {
        close(error as Error)
      }
    })
  }

  get isOpen(): boolean {
    return !this.#stream.destroyed
  }

  open(done: () => void): void {
    done()
  }

  write(frame: Buffer): void {
    this.#stream.write(this.#framing.request(frame))
  }
}
