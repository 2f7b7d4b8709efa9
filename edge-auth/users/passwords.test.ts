import { expect, test } from 'vitest'
import { systemRandom } from '../../core/random.ts'
import { createPasswords, HashingBusy } from './passwords.ts'

const passwords = createPasswords(
  { random: systemRandom },
  { parallel: 1, waiting: 2, minLength: 8, strong: false },
)

test('a password is kept as argon2id with the parameters we promise', async () => {
  const hash = await passwords.hash('correct horse')
  expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  expect(await passwords.verify(hash, 'correct horse')).toBe(true)
  expect(await passwords.verify(hash, 'correct horsE')).toBe(false)
})

test('nobody has no password', async () => {
  expect(await passwords.verify(undefined, 'correct horse')).toBe(false)
})

test.each(['seven77', 'x'.repeat(1025), 'ü'.repeat(513)])(
  'a password of wrong length is not hashed',
  async (password) => {
    await expect(passwords.hash(password)).rejects.toMatchObject({ code: 'invalid' })
  },
)

test('one more than may wait is sent away, and the others are served', async () => {
  const attempts = Array.from({ length: 4 }, () => passwords.verify(undefined, 'correct horse'))
  const results = await Promise.allSettled(attempts)
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected'])
  await expect(attempts[3]).rejects.toThrow(HashingBusy)
  expect(await passwords.verify(undefined, 'correct horse')).toBe(false) // the place is free again
})

test('a strong password has letters of both kinds, digits and symbols', async () => {
  const strong = createPasswords(
    { random: systemRandom },
    { parallel: 1, waiting: 2, minLength: 10, strong: true },
  )
  for (const weak of ['Correct1!', 'correct-horse1', 'CORRECT-HORSE1', 'Correct-horse', 'Correcthorse1'])
    await expect(strong.hash(weak)).rejects.toMatchObject({ code: 'invalid' })
  for (const good of ['Correct-horse1', 'Ünsägliche?5', strong.generate()])
    expect(await strong.verify(await strong.hash(good), good)).toBe(true)
})

test.each([
  ...[
    'password',
    'Password1!',
    'P@ssw0rd2026',
    '12345678',
    '87654321',
    'aaaaaaaa',
    'abcabcabc',
    'qwertyuiop',
  ],
  ...['Administrator', 'changeme!', 'raspberry', 'Willkommen1', '1qaz2wsx', '!!Sommer2026!!'],
])('%s is refused: a password that is tried first by whoever guesses', async (common) => {
  await expect(passwords.hash(common)).rejects.toMatchObject({ code: 'invalid' })
})

test('a password that only holds such a word is taken', async () => {
  for (const good of ['password of the press', 'my-Factory-7-gates', '4711-0815-0042', passwords.generate()])
    expect(await passwords.verify(await passwords.hash(good), good)).toBe(true)
})
