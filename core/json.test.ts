import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseExact, stringifyExact } from './json.ts'

test('whole numbers of 64 bits come back with every digit', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.jsonValue(), (n, other) => {
      const text = `{"n":${n},"other":${JSON.stringify(other)}}`
      const document = parseExact(text) as { n: number | bigint }
      expect(BigInt(document.n)).toBe(n)
      expect(parseExact(stringifyExact(document))).toEqual(document)
    }),
  )
})
