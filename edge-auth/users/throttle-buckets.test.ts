import { expect, test } from 'vitest'
import { createBuckets } from './throttle-buckets.ts'

test('there are never more than the maximum; what was not used for longest goes first', () => {
  const buckets = createBuckets(3)
  for (const subject of ['a', 'b', 'c']) buckets.get(subject).failures.push(1)
  buckets.get('a')
  buckets.get('d')
  expect(['a', 'b', 'c', 'd'].map((subject) => buckets.find(subject) !== undefined)).toEqual([
    ...[true, false, true, true],
  ])
  for (let n = 0; n < 1000; n++) buckets.get(`x${n}`)
  expect(buckets.find('a')).toBeUndefined()
  expect(buckets.find('x999')).toBeDefined()
  expect(buckets.find('x996')).toBeUndefined()
})

test('one that an attempt is under way for stays: its end must be counted', () => {
  const buckets = createBuckets(2)
  buckets.get('a').underWay++
  for (let n = 0; n < 10; n++) buckets.get(`x${n}`)
  expect(buckets.find('a')?.underWay).toBe(1)
})
