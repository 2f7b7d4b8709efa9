import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { DeviceError } from '../device-error.ts'
import { crc16 } from './crc.ts'
import { type Framing, rtuFraming, tcpFraming } from './framing.ts'

const withCrc = (body: number[]): Buffer => {
  const crc = crc16(Uint8Array.from(body))
  return Buffer.from([...body, crc & 0xff, crc >> 8])
}
/** Asks unit 1 for two holding registers. */
const question = withCrc([1, 3, 0, 0, 0, 2])
const answer = withCrc([1, 3, 4, 0xca, 0xfe, 0xba, 0xbe])
const refusal = withCrc([1, 0x83, 2])
const mbap = (transaction: number, body: Buffer) => {
  const header = Buffer.from([transaction >> 8, transaction & 0xff, 0, 0, 0, body.length - 2])
  return Buffer.concat([header, body.subarray(0, -2)])
}

function asked(framing: Framing): Framing {
  framing.request(question)
  return framing
}

test('the checksum is the one of the specification', () => {
  expect(crc16(Buffer.from('123456789'))).toBe(0x4b37)
})

test('an answer is found whole, however it is cut into pieces', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 6 }),
      fc.constantFrom(answer, refusal),
      (cuts, frame) => {
        for (const [framing, bytes] of [
          [asked(tcpFraming()), mbap(1, frame)],
          [asked(rtuFraming()), frame],
        ] as const) {
          const found: Buffer[] = []
          let rest = bytes
          for (const cut of [...cuts, bytes.length]) {
            const got = framing.receive(rest.subarray(0, cut))
            if (got) found.push(got)
            rest = rest.subarray(cut)
          }
          expect(found).toEqual([frame])
        }
      },
    ),
  )
})

test('on a bus the answer is found behind an echo, noise and the answer of another unit', () => {
  for (const before of [question, Buffer.from([0, 0xff, 1, 3]), withCrc([2, 3, 4, 9, 9, 9, 9])])
    expect(asked(rtuFraming()).receive(Buffer.concat([before, answer]))).toEqual(answer)
})

test('on a bus what came before the request is no answer to it', () => {
  const framing = rtuFraming()
  framing.receive(answer)
  framing.request(question)
  expect(framing.receive(answer.subarray(0, 4))).toBeUndefined()
  expect(framing.receive(answer.subarray(4))).toEqual(answer)
})

test('a wrong checksum is no answer', () => {
  const wrong = Buffer.from(answer)
  wrong.writeUInt8(0, 4)
  const framing = asked(rtuFraming())
  expect(framing.receive(wrong)).toBeUndefined()
  expect(framing.unread).toBe(wrong.length)
})

test('a late answer of a request that was given up is dropped, and the right one is found behind it', () => {
  const framing = asked(tcpFraming())
  framing.abandon()
  framing.request(question)
  expect(framing.receive(Buffer.concat([mbap(1, refusal), mbap(2, answer)]))).toEqual(answer)
})

test('over TCP an answer that is not to the question is told by what is wrong with it', () => {
  const wrong: [Buffer, RegExp][] = [
    [mbap(7, answer), /transaction 7 instead of 1/],
    [mbap(1, withCrc([2, 3, 4, 0, 0, 0, 0])), /unit 2 answers for unit 1/],
    [mbap(1, withCrc([1, 4, 4, 0, 0, 0, 0])), /function 4 instead of 3/],
    [mbap(1, withCrc([1, 3, 6, 0, 0, 0, 0, 0, 0])), /6 bytes in a frame for 6 instead of 4/],
    [mbap(1, withCrc([1, 3, 4, 0, 0])), /4 bytes in a frame for 2/],
    [Buffer.from([0, 1, 0, 9, 0, 3, 1, 3, 0]), /protocol 9/],
    [Buffer.from([0, 1, 0, 0, 0xff, 0xff, 1, 3, 0]), /a frame of 65535 bytes/],
    [Buffer.from([0, 1, 0, 0, 0, 0, 1]), /a frame of 0 bytes/],
  ]
  for (const [bytes, message] of wrong) expect(() => asked(tcpFraming()).receive(bytes)).toThrow(message)
})

test('bytes without end are given up on, whether they were asked for or not', () => {
  const talk = (framing: Framing, chunk: Buffer) => () => {
    for (let turn = 0; turn < 10_000; turn++) framing.receive(chunk)
  }
  expect(talk(rtuFraming(), Buffer.from([1, 2, 3]))).toThrow(DeviceError)
  expect(talk(asked(rtuFraming()), Buffer.from([1, 3, 4]))).toThrow(DeviceError)
  expect(talk(tcpFraming(), mbap(0, answer))).toThrow(DeviceError)
})

test('no bytes bring a framing to anything but an answer, patience or a fault that it names', () => {
  const chunks = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      fc.constantFrom(answer, question, mbap(1, answer), mbap(2, refusal)),
    ),
    { maxLength: 12 },
  )
  fc.assert(
    fc.property(fc.boolean(), chunks, (isTcp, received) => {
      const framing = isTcp ? tcpFraming() : rtuFraming()
      try {
        for (const [turn, chunk] of received.entries()) {
          if (turn % 3 === 0) framing.request(question)
          const frame = framing.receive(chunk)
          if (frame) expect(frame.readUInt16LE(frame.length - 2)).toBe(crc16(frame.subarray(0, -2)))
        }
      } catch (error) {
        expect(error).toBeInstanceOf(DeviceError)
      }
    }),
    { numRuns: 3_000 },
  )
})
