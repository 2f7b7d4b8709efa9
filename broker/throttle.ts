import type { Duplex } from 'node:stream'

/**
 * Stops reading from a connection while it has enough under way: what it sends then stays in the kernel,
 * and TCP slows its sender down. aedes alone reads on whatever still waits for the disk.
 *
 * aedes reads when it has answered a packet, so that what `isFull` counts must be packets of this very
 * connection: then each of them, when it is done, makes aedes read again.
 */
export function throttle(stream: Duplex, isFull: () => boolean): void {
  const read = stream.read.bind(stream)
  // 0 asks the stream itself to fill its buffer, which is bounded
  stream.read = (size) => (size !== 0 && isFull() ? null : read(size))
}
