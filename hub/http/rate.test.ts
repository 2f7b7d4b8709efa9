import { expect, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import type { RateExceeded } from '../errors.ts'
import { createRateLimit } from './rate.ts'

test('every rate holds for each caller, and a refusal says when to come again', () => {
  let now = 0
  const limit = createRateLimit(
    [
      { count: 2, spanMs: 1000 },
      { count: 3, spanMs: 10_000 },
    ],
    { ...systemClock, monotonic: () => now },
  )
  const refusal = () => {
    try {
      limit('a')
    } catch (error) {
      return (error as RateExceeded).retryAfterMs
    }
    return undefined
  }
  expect(refusal()).toBeUndefined()
  now = 400
  expect(refusal()).toBeUndefined()
  expect(refusal()).toBe(600)
  limit('b')
  now = 1000
  expect(refusal()).toBeUndefined()
  now = 5000
  expect(refusal()).toBe(5000)
  now = 10_000
  expect(refusal()).toBeUndefined()
})

test('without a rate everything passes', () => {
  const limit = createRateLimit([], systemClock)
  for (let n = 0; n < 1000; n++) limit('a')
})
