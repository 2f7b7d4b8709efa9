import { expect, test } from 'vitest'
import type { State } from '../onboarding/machine.ts'
import { countRotations } from './rotation-count.ts'

/** The counting looks at nothing else. */
const at = (state: State['at'], rotatedAt?: number) => ({ at: state, rotatedAt }) as unknown as State

test('a rotation is begun once, however often it is tried, and ends in one outcome', () => {
  const { noticed, counts } = countRotations()
  const through = (...states: State[]) => {
    for (const [k, after] of states.slice(1).entries()) noticed(states[k] as State, after)
  }
  through(at('unboarded'), at('onboarding'), at('onboarded'))
  expect(counts()).toEqual({ begun: 0, succeeded: 0, refused: 0 })
  through(at('onboarded'), at('rotating'), at('rotating'), at('onboarded', 7))
  expect(counts()).toEqual({ begun: 1, succeeded: 1, refused: 0 })
  through(at('onboarded', 7), at('rotating', 7), at('onboarded', 7))
  through(at('onboarded', 7), at('rotating', 7), at('needs-onboarding', 7))
  expect(counts()).toEqual({ begun: 3, succeeded: 1, refused: 2 })
})
