import { expect, test } from 'vitest'
import { describeSources } from './sources.ts'

const source = { protocol: 'modbus', readings: 1, bad: {}, refused: 0, lost: 0, withheld: 0, overruns: 0 }

test('sources that are dead or degraded are named with the reason', () => {
  const press = { ...source, name: 'press', state: 'good' } as const
  expect(describeSources([press])).toMatchObject({ status: 'ok' })
  const saw = { ...source, name: 'saw', state: 'dead', reason: 'connection refused' } as const
  const oven = { ...source, name: 'oven', state: 'degraded', reason: 't1: out_of_range' } as const
  expect(describeSources([press, saw, oven])).toMatchObject({
    status: 'warning',
    cause: 'saw is dead: connection refused; oven is degraded: t1: out_of_range',
    cure: 'Start with "saw". A source whose device answers again goes on by itself.',
    facts: { sources: [press, saw, oven].map(({ name, state }) => ({ name, state })) },
  })
})
