import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Invalid } from '../core/errors.ts'
import { decodeHeader, decodeMessage, encodeMessage, type Message, type Name } from './message.ts'

const message: fc.Arbitrary<Message> = fc.record({
  epoch: fc.constantFrom('00ff00ff00ff00ff', '0123456789abcdef'),
  seq: fc.nat(),
  count: fc.integer({ min: 1, max: 0xffff }),
  names: fc.array(fc.tuple(fc.nat(), fc.string()) as fc.Arbitrary<Name>, { maxLength: 5 }),
  body: fc.uint8Array({ maxLength: 100 }),
})

test('every message survives encoding', () => {
  fc.assert(
    fc.property(message, (message) => {
      const decoded = decodeMessage(encodeMessage(message))
      expect({ ...decoded, body: new Uint8Array(decoded.body) }).toEqual(message)
    }),
  )
})

test('batches whose names or body are broken can still be named', () => {
  fc.assert(
    fc.property(message, fc.uint8Array(), ({ names: _, ...message }, noise) => {
      const whole = encodeMessage({ ...message, names: [[1, 'a']] })
      const { epoch, seq, count } = message
      expect(decodeHeader(Buffer.concat([whole.subarray(0, 23), noise]))).toEqual({ epoch, seq, count })
    }),
  )
})

test.each([{}, [1], [['1', 'a']], [[1]], [[1, 'a', 'b']], [[-1, 'a']], [[0.5, 'a']], [[1, null]]])(
  'names that are %j are Invalid',
  (names) => {
    const told = encodeMessage({
      epoch: '00ff00ff00ff00ff',
      seq: 1,
      count: 1,
      names: names as never,
      body: Buffer.alloc(0),
    })
    expect(() => decodeMessage(told)).toThrow(Invalid)
  },
)

test('garbage is Invalid, never another error', () => {
  fc.assert(
    fc.property(message, fc.nat(200), fc.uint8Array(), (message, cut, noise) => {
      try {
        decodeMessage(Buffer.concat([encodeMessage(message).subarray(0, cut), noise]))
      } catch (error) {
        expect(error).toBeInstanceOf(Invalid)
      }
    }),
    { numRuns: 2000 },
  )
})
