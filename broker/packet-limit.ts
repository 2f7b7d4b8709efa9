import type { Duplex } from 'node:stream'

/**
 * Calls `exceeded` as soon as a packet announces more than `maxBytes`, before it is collected: MQTT
 * allows 256 MB, and the parser would wait for all of it, even from a stranger. Only watches what
 * another listener reads.
 */
export function watchPackets(stream: Duplex, maxBytes: number, exceeded: () => void): void {
  let bodyLeft = 0
  let length = 0
  /** Digits of the length read so far; undefined when the next byte begins a packet. */
  let digits: number | undefined

  stream.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; ) {
      if (bodyLeft > 0) {
        const step = Math.min(bodyLeft, chunk.length - at)
        at += step
        bodyLeft -= step
        continue
      }
      const byte = chunk[at++] as number
      if (digits === undefined) {
        digits = 0
        length = 0
        continue
      }
      length += (byte & 0x7f) * 128 ** digits++
      if (length > maxBytes || digits > 4) return exceeded()
      if (byte < 0x80) {
        bodyLeft = length
        digits = undefined
      }
    }
  })
}
