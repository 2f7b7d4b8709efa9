import { Invalid } from './errors.ts'

/** The kernel takes 107 bytes; Node would cut a longer path silently. */
export function refuseLongPath(path: string): void {
  if (Buffer.byteLength(path) > 107)
    throw new Invalid(`the socket path ${path} is longer than 107 bytes`, {
      cure: 'Use a shorter --state-dir.',
    })
}
