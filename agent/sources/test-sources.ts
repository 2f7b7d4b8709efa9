import pino from 'pino'
import { onTestFinished } from 'vitest'
import { openNetwork } from '../../core/net/index.ts'
import { systemRandom } from '../../core/random.ts'
import type { Reading } from '../../protocol/reading.ts'
import { manualClock } from '../../test/manual-clock.ts'
import { createAlarms } from '../alarms.ts'
import type { Appended } from '../outbox/index.ts'
import { createSources } from './index.ts'

/** Sources that run until the test ends, over an outbox that keeps what it is given. */
export function started() {
  const clock = manualClock()
  const log = pino({ level: 'silent' })
  const kept: Reading[] = []
  const disk = { fault: undefined as Error | undefined }
  const appended: Appended[] = []
  const alarms = createAlarms({ clock, log })
  const lost: [source: string, reason: string, count: number][] = []
  const outbox = {
    async append(given: Appended) {
      if (disk.fault) throw disk.fault
      appended.push(given)
      kept.push(...given.readings)
    },
    lose: (...loss: [string, string, number]) => void lost.push(loss),
  }
  const sources = createSources(
    {
      outbox,
      stamp: () => ({ time: clock.now() }),
      network: openNetwork(),
      clock,
      random: systemRandom,
      log,
      alarms,
    },
    { minIntervalMs: 100 },
  )
  const stop = new AbortController()
  const ended = sources.run(stop.signal)
  onTestFinished(async () => {
    stop.abort()
    await ended
  })
  return { sources, clock, kept, disk, appended, lost, alarms }
}
