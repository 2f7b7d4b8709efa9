/**
 * Follows the packets of an MQTT stream by their lengths. The result is called with each chunk, and says
 * whether a packet has announced more than `maxBytes`: MQTT allows 256 MB, and a parser would wait for all
 * of it, even from a stranger.
 */
export function packetWatch(): (chunk: Uint8Array, maxBytes: number) => boolean {
  let bodyLeft = 0
  let length = 0
  /** Digits of the length read so far; undefined when the next byte begins a packet. */
  let digits: number | undefined

  return (chunk, maxBytes) => {
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
      if (length > maxBytes || digits > 4) return true
      if (byte < 0x80) {
        bodyLeft = length
        digits = undefined
      }
    }
    return false
  }
}
