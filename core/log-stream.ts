import { pino } from 'pino'

/** Enough for a burst of any reader's; a gateway has little memory, and more to do than to log. */
const maxWaitingBytes = 4 * 1024 * 1024

/**
 * Writes lines to a file descriptor without stopping the process. Those that nobody takes yet wait in
 * memory; where too many wait, further ones are lost, and `lost` tells how many once there is room again.
 */
export function openLogStream({
  fd,
  lost,
}: {
  fd: number
  lost(lines: number): void
}): pino.DestinationStream {
  const stream = pino.destination({ dest: fd, sync: false, maxLength: maxWaitingBytes })
  let lines = 0
  stream.on('drop', () => {
    lines++
  })
  stream.on('drain', () => {
    if (lines === 0) return
    const said = lines
    lines = 0
    lost(said)
  })
  return stream
}
