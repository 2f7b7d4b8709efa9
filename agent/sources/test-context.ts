import pino from 'pino'
import { openNetwork } from '../../core/net/index.ts'
import { systemRandom } from '../../core/random.ts'
import { manualClock } from '../../test/manual-clock.ts'
import { forgetfulMemory } from './memory.ts'
import { readCredential } from './places.ts'
import { createSharing } from './shared.ts'
import type { DeviceState, Sample, SourceContext } from './source.ts'

/** What a protocol is given, with what it stored and reported. */
export function testContext(given: Partial<SourceContext> = {}) {
  const stored: Sample[] = []
  const reported: DeviceState[] = []
  const clock = given.clock ?? manualClock()
  const store = async (samples: readonly Sample[]) => void stored.push(...samples)
  const context: SourceContext = {
    ...{ clock, random: systemRandom, log: pino({ level: 'silent' }), network: openNetwork() },
    stamp: () => ({ time: clock.now() }),
    ...createSharing(),
    credential: (name) => readCredential('/etc/edgeward/credentials', name),
    memory: forgetfulMemory(),
    pkiDir: '/nonexistent',
    report: (state) => void reported.push(state),
    ...{ turned() {}, euRange() {} },
    ...{ storeOrRefuse: store, storeOrLose: store },
    ...given,
  }
  return { context, stored, reported }
}
