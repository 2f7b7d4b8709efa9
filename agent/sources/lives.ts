import type { Clock } from '../../core/clock.ts'
import type { RunningSource } from './running.ts'

/** The sources that run. */
export interface Lives {
  /**
   * Runs the source. Many a device, and each serial port, takes one client at a time: a source that takes
   * the place of another one waits until that has let go, but not for ever.
   */
  begin(source: Runnable, signal: AbortSignal, former?: Runnable): void
  /** Resolves when all have ended. */
  ended(): Promise<void>
}

type Runnable = Pick<RunningSource, 'run'>

const patienceMs = 5_000

export function createLives({ clock }: { clock: Clock }): Lives {
  const lives = new Map<Runnable, Promise<void>>()

  async function after(life: Promise<void>, source: Runnable, signal: AbortSignal): Promise<void> {
    const isOver = new AbortController()
    await Promise.race([life, clock.sleep(patienceMs, isOver.signal).catch(() => {})])
    isOver.abort()
    await source.run(signal)
  }

  return {
    begin(source, signal, former) {
      const before = former && lives.get(former)
      const life = before ? after(before, source, signal) : source.run(signal)
      const tracked = life.finally(() => lives.delete(source))
      lives.set(source, tracked)
    },
    ended: async () => void (await Promise.all(lives.values())),
  }
}
