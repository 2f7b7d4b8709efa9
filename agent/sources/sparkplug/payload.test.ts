import fc from 'fast-check'
import { expect, test } from 'vitest'
import { datatype, jsonOf } from './datatype.ts'
import { decodePayload } from './payload.ts'
import { field, Malformed } from './protobuf.ts'
import { rebirthCommand } from './rebirth.ts'
import { any, double, type Fixed, float, metric, payload, text } from './test-encode.ts'

const read = (type: number, number: number, value: bigint | Uint8Array | Fixed) => {
  const [found] = decodePayload(payload({}, { datatype: type, value: [number, value] })).metrics
  return jsonOf(found?.value ?? 'none', type)
}
const bytes = (...values: number[]) => Buffer.from(values)

test('the bytes of a payload, field by field, are read as the specification has them', () => {
  // timestamp 1486144502122, metric "My Metric" alias 1, String "Test", seq 2; put together by hand
  const hex = '08eaf2f5a8a02b12150a094d79204d65747269631001200c7a04546573741802'
  const decoded = decodePayload(Buffer.from(hex, 'hex'))
  expect(decoded).toMatchObject({ timestamp: 1486144502122n, seq: 2n })
  expect(decoded.metrics).toMatchObject([{ name: 'My Metric', alias: 1n, datatype: 12, value: 'Test' }])
})

test('whole numbers of every width come back, sign-extended or not', () => {
  const widths = [
    [datatype.int8, datatype.uint8, 8],
    [datatype.int16, datatype.uint16, 16],
    [datatype.int32, datatype.uint32, 32],
    [datatype.int64, datatype.uint64, 64],
  ] as const
  for (const [signed, unsigned, bits] of widths) {
    const number = bits === 64 ? 11 : 10
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(2n ** BigInt(bits - 1)), max: 2n ** BigInt(bits - 1) - 1n }),
        (value) => {
          expect(BigInt(read(signed, number, BigInt.asUintN(64, value)) as number)).toBe(value)
          expect(BigInt(read(signed, number, BigInt.asUintN(bits, value)) as number)).toBe(value)
          const positive = BigInt.asUintN(bits, value)
          expect(BigInt(read(unsigned, number, positive) as number)).toBe(positive)
        },
      ),
    )
  }
})

test('floats, booleans, texts and times come back', () => {
  fc.assert(
    fc.property(fc.double(), fc.float(), fc.boolean(), fc.string(), (long, short, is, word) => {
      expect(read(datatype.double, 13, double(long))).toBe(long)
      expect(read(datatype.float, 12, float(short))).toBe(short)
      expect(read(datatype.boolean, 14, is ? 1n : 0n)).toBe(is)
      for (const type of [datatype.string, datatype.text, datatype.uuid])
        expect(read(type, 15, text(word))).toBe(Buffer.from(word).toString())
    }),
  )
  expect(read(datatype.dateTime, 11, 1_764_000_000_123n)).toBe(1_764_000_000_123)
  expect(read(datatype.bytes, 16, bytes(1, 2, 255))).toBe('AQL/')
  expect(read(datatype.file, 16, bytes())).toBe('')
})

test('arrays are packed, little end first', () => {
  expect(read(datatype.int8Array, 16, bytes(0xff, 1))).toEqual([-1, 1])
  expect(read(datatype.uint8Array, 16, bytes(0xff, 1))).toEqual([255, 1])
  expect(read(datatype.int16Array, 16, bytes(0xfe, 0xff, 1, 0))).toEqual([-2, 1])
  expect(read(datatype.uint16Array, 16, bytes(0xfe, 0xff))).toEqual([65_534])
  expect(read(datatype.int32Array, 16, bytes(0xff, 0xff, 0xff, 0xff))).toEqual([-1])
  expect(read(datatype.uint32Array, 16, bytes(0xff, 0xff, 0xff, 0xff))).toEqual([4_294_967_295])
  expect(read(datatype.int64Array, 16, Buffer.alloc(8, 0xff))).toEqual([-1])
  expect(read(datatype.uint64Array, 16, Buffer.alloc(8, 0xff))).toEqual([2n ** 64n - 1n])
  expect(read(datatype.dateTimeArray, 16, bytes(1, 0, 0, 0, 0, 0, 0, 0))).toEqual([1])
  expect(read(datatype.floatArray, 16, float(1.5).fixed)).toEqual([1.5])
  expect(read(datatype.doubleArray, 16, double(0.1).fixed)).toEqual([0.1])
  expect(read(datatype.booleanArray, 16, bytes(10, 0, 0, 0, 0b1000_0001, 0b0100_0000))).toEqual(
    [1, 0, 0, 0, 0, 0, 0, 1, 0, 1].map((bit) => bit === 1),
  )
  expect(read(datatype.stringArray, 16, text('ab\0\0c\0'))).toEqual(['ab', '', 'c'])
  expect(() => read(datatype.int32Array, 16, bytes(1, 2, 3))).toThrow(Malformed)
  expect(() => read(datatype.booleanArray, 16, bytes(9, 0, 0, 0, 1))).toThrow(Malformed)
  expect(() => read(datatype.stringArray, 16, text('ab'))).toThrow(Malformed)
})

test('a data set becomes rows, a template its metrics by name', () => {
  const element = (number: number, value: bigint | Buffer) => field(1, field(number, value))
  const row = (count: bigint, name: string) =>
    field(4, Buffer.concat([element(1, count), element(6, text(name))]))
  const set = Buffer.concat([
    ...[field(1, 2n), field(2, text('n')), field(2, text('name'))],
    ...[field(3, BigInt(datatype.int32)), field(3, BigInt(datatype.string))],
    ...[row(3n, 'a'), row(0xffff_ffffn, 'b')],
  ])
  expect(read(datatype.dataSet, 17, set)).toEqual([
    { n: 3, name: 'a' },
    { n: -1, name: 'b' },
  ])
  const inner = metric({ name: 'rpm', datatype: datatype.double, value: [13, double(1.5)] })
  const motor = field(2, metric({ name: 'Motor', datatype: datatype.template, value: [18, field(2, inner)] }))
  expect(read(datatype.template, 18, motor)).toEqual({ Motor: { rpm: 1.5 } })
})

test('templates without end are refused, not followed', () => {
  let nested = field(2, metric({ name: 'x', isNull: true }))
  for (let depth = 0; depth < 50; depth++)
    nested = field(2, metric({ name: 'x', datatype: datatype.template, value: [18, nested] }))
  expect(() => decodePayload(payload({}, { value: [18, nested] }))).toThrow(Malformed)
})

test('what we ask with is what others decode: a metric, Boolean, true', () => {
  expect(decodePayload(rebirthCommand(5))).toEqual({
    timestamp: 5n,
    seq: undefined,
    metrics: [
      expect.objectContaining({ name: 'Node Control/Rebirth', datatype: datatype.boolean, value: true }),
    ],
  })
})

test('any bytes are a payload or Malformed, and so is any change to a good one', () => {
  const decode = (given: Buffer) => {
    try {
      for (const { value, datatype: type } of decodePayload(given).metrics)
        if (value !== undefined) jsonOf(value, type)
    } catch (error) {
      if (!(error instanceof Malformed)) throw error
    }
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (given) => decode(Buffer.from(given))))
  const good = payload(
    { seq: 1n, timestamp: 2n },
    { name: 'a', alias: 3n, datatype: datatype.int32, value: [10, 5n] },
    { name: 'b', datatype: datatype.double, value: [13, double(1)] },
    { name: 'c', datatype: datatype.booleanArray, value: [16, bytes(1, 0, 0, 0, 128)] },
    {
      name: 'd',
      datatype: datatype.dataSet,
      value: [17, Buffer.concat([field(2, text('n')), field(3, 3n)])],
    },
  )
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, byte, end) =>
      decode(Buffer.from(good.with(at, byte).subarray(0, end))),
    ),
    { numRuns: 500 },
  )
  expect(() => decodePayload(any(1, bytes(0)))).toThrow(Malformed)
})
