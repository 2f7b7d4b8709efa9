import { expect, test } from 'vitest'
import { retryAfterMs } from './retry-after.ts'

const date = 'Sat, 21 Nov 2026 10:00:00 GMT'

test('seconds and dates are understood, a date by the clock of who sent it', () => {
  expect(retryAfterMs({ 'retry-after': '120' })).toBe(120_000)
  expect(retryAfterMs({ 'retry-after': 'Sat, 21 Nov 2026 10:01:30 GMT', date })).toBe(90_000)
  expect(retryAfterMs({ 'retry-after': 'Sat, 21 Nov 2026 09:00:00 GMT', date })).toBe(0)
})

test.each([{}, { 'retry-after': 'soon', date }, { 'retry-after': '-5', date: 'x' }, { 'retry-after': date }])(
  'what says nothing is nothing: %j',
  (headers) => {
    expect(retryAfterMs(headers)).toBeUndefined()
  },
)
