import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { describeWith, findProgram } from '../../test/peers.ts'
import { base32, codeOf, stepAt } from './code.ts'

/** RFC 6238, appendix B: the secret is as long as the hash. */
const secretOf = (length: number): Buffer => Buffer.from('1234567890'.repeat(7).slice(0, length))
const secrets = { sha1: secretOf(20), sha256: secretOf(32), sha512: secretOf(64) }
const vectors: [seconds: number, sha1: string, sha256: string, sha512: string][] = [
  [59, '94287082', '46119246', '90693936'],
  [1_111_111_109, '07081804', '68084774', '25091201'],
  [1_111_111_111, '14050471', '67062674', '99943326'],
  [1_234_567_890, '89005924', '91819424', '93441116'],
  [2_000_000_000, '69279037', '90698825', '38618901'],
  [20_000_000_000, '65353130', '77737706', '47863826'],
]

test.each(vectors)('the codes of the second %i', (seconds, ...codes) => {
  const step = stepAt(seconds * 1000)
  const made = (['sha1', 'sha256', 'sha512'] as const).map((hash) => codeOf(secrets[hash], step, 8, hash))
  expect(made).toEqual(codes)
})

test('secrets are written as RFC 4648 has it', () => {
  const written = ['', 'f', 'fo', 'foo', 'foob', 'fooba', 'foobar'].map((text) => base32(Buffer.from(text)))
  expect(written).toEqual(['', 'MY', 'MZXQ', 'MZXW6', 'MZXW6YQ', 'MZXW6YTB', 'MZXW6YTBOI'])
})

describeWith(['oathtool'], 'oathtool', () => {
  test('shows the same codes for the secret as we write it', () => {
    const oathtool = findProgram('oathtool') as string
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 20, maxLength: 20 }),
        fc.integer({ min: 0, max: 2 ** 34 }),
        (secret, seconds) => {
          const args = ['--totp', '--base32', '--now', `@${seconds}`, base32(secret)]
          const shown = execFileSync(oathtool, args, { encoding: 'utf8' }).trim()
          expect(codeOf(secret, stepAt(seconds * 1000))).toBe(shown)
        },
      ),
      { numRuns: 40 },
    )
  })
})
