import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { Logger } from '../../core/log.ts'
import { packetWatch } from '../../core/mqtt-packets.ts'

/**
 * A connection as the broker reads it. The broker reads on while packets wait for their commits; so it is
 * the link that stops, and then the network, and then the agent waits.
 */
export interface Link extends Duplex {
  /** From now on it may send messages, not only introduce itself. */
  admit(): void
  /** Nothing more is read from the network until `release`. */
  hold(): void
  release(): void
}

/** A megabyte of payload, and the topic. */
export const maxPacketBytes = 1024 * 1024 + 1024
/** Of one that has not said yet who it is: a token and a few names. */
const maxStrangersPacketBytes = 16 * 1024

export function openLink(socket: Socket, log: Logger): Link {
  const isTooLarge = packetWatch()
  let maxBytes = maxStrangersPacketBytes
  let held = false
  let wanted = false
  const stream = new Duplex({
    read() {
      wanted = true
      if (!held) socket.resume()
    },
    writev: (chunks, done) =>
      void socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer)), done),
    final: (done) => void socket.end(done),
    destroy(error, done) {
      socket.destroy()
      done(error)
    },
  })
  socket.on('data', (chunk: Buffer) => {
    if (isTooLarge(chunk, maxBytes)) {
      log.warn({ address: socket.remoteAddress, maxBytes }, 'connection closed: its packet is too large')
      stream.destroy()
    } else {
      wanted = false // unless pushing asks for more
      stream.push(chunk)
      if (!wanted) socket.pause()
    }
  })
  socket.on('end', () => stream.push(null))
  socket.on('error', (error) => stream.destroy(error))
  socket.on('close', () => stream.destroy())

  return Object.assign(stream, {
    admit() {
      maxBytes = maxPacketBytes
    },
    hold() {
      held = true
      socket.pause()
    },
    release() {
      held = false
      if (wanted) socket.resume()
    },
  })
}
