import { expect, test } from 'vitest'
import { createLogRing } from './log-ring.ts'

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, at) => `line ${from + at}`)

test('who asks again gets what came since, and how much he has missed', () => {
  const ring = createLogRing({ lines: 10 })
  for (const line of numbers(0, 4)) ring.add(`${line}\n`)
  const first = ring.after(0)
  expect(first).toEqual({ lines: numbers(0, 4), place: 4, missed: 0 })
  expect(ring.after(first.place)).toEqual({ lines: [], place: 4, missed: 0 })
  for (const line of numbers(4, 37)) ring.add(line)
  expect(ring.after(first.place)).toEqual({ lines: numbers(27, 37), place: 37, missed: 23 })
  expect(ring.after(36)).toEqual({ lines: ['line 36'], place: 37, missed: 0 })
})

test('long lines make place for themselves, and none is longer than all may be', () => {
  const ring = createLogRing({ lines: 10, characters: 100 })
  for (const letter of 'abc') ring.add(letter.repeat(40))
  expect(ring.after(0)).toEqual({ lines: ['b'.repeat(40), 'c'.repeat(40)], place: 3, missed: 1 })
  ring.add('x'.repeat(1_000))
  expect(ring.after(0)).toEqual({ lines: ['x'.repeat(100)], place: 4, missed: 3 })
})
