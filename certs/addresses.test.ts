import { expect, test } from 'vitest'
import { followNames } from './addresses.ts'

const second = 1_000
const dayMs = 86_400 * second
const start = () => followNames({ found: ['box', '10.0.0.7'], certified: [] }, 0)

test('what is found at the start is certified at once', () => {
  expect(start().look(['box', '10.0.0.7'], 0)).toEqual(['10.0.0.7', 'box'])
})

test('an address must stand a minute', () => {
  const followed = start()
  for (const at of [10, 40, 69])
    expect(followed.look(['box', '10.0.0.8'], at * second)).not.toContain('10.0.0.8')
  expect(followed.look(['box', '10.0.0.8'], 70 * second)).toContain('10.0.0.8')
})

test('one that flaps never does', () => {
  const followed = start()
  for (let at = 0; at < 3_600; at += 60) {
    expect(followed.look(['box', '10.0.0.8'], at * second)).not.toContain('10.0.0.8')
    followed.look(['box'], (at + 30) * second)
  }
})

test('one that is gone is kept for a day, counted from when it was there last', () => {
  const followed = start()
  expect(followed.look(['box'], dayMs - 1)).toContain('10.0.0.7')
  followed.look(['box', '10.0.0.7'], dayMs)
  expect(followed.look(['box'], 2 * dayMs - 1)).toContain('10.0.0.7')
  expect(followed.look(['box'], 2 * dayMs)).toEqual(['box'])
})

test('what the certificate has from before the start is taken for just gone', () => {
  const followed = followNames({ found: ['box'], certified: ['10.0.0.9'] }, 0)
  expect(followed.look(['box'], 0)).toEqual(['10.0.0.9', 'box'])
  expect(followed.look(['box', '10.0.0.9'], dayMs)).toEqual(['10.0.0.9', 'box'])
})

test('of many that are gone the newest sixteen are kept', () => {
  const followed = start()
  for (let n = 0; n < 40; n++)
    for (const at of [0, 60]) followed.look(['box', `10.1.0.${n}`], (n * 100 + at) * second)
  const names = followed.look(['box'], 4_000 * second)
  expect(names).toHaveLength(17)
  expect(names).toContain('10.1.0.39')
  expect(names).not.toContain('10.0.0.7')
})
