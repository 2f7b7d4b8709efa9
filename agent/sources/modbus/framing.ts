import { crc16 } from './crc.ts'
import { malformed } from './faults.ts'

/**
 * How a request and its answer lie on the wire. Both are handed in and out as RTU frames: unit, function,
 * data and checksum. One request is out at a time.
 */
export interface Framing {
  /** What is to be sent; from now on its answer is looked for. */
  request(frame: Buffer): Buffer
  /** Takes what was received. The answer once it is whole; throws when none can come any more. */
  receive(chunk: Buffer): Buffer | undefined
  /** The answer is no longer wanted. */
  abandon(): void
  /** Bytes since the request that were not (yet) an answer. */
  readonly unread: number
}

/** More than this without an answer among it, and the far side does not speak Modbus. */
const maxNoise = 2_048
const headerBytes = 6
const maxPdu = 253

interface Expected {
  unit: number
  code: number
  dataBytes: number
}

/** Of functions 1 to 4, the only ones that are asked. */
function expectedOf(frame: Buffer): Expected {
  const code = frame.readUInt8(1)
  const count = frame.readUInt16BE(4)
  return { unit: frame.readUInt8(0), code, dataBytes: code <= 2 ? Math.ceil(count / 8) : count * 2 }
}

/** Modbus TCP: each frame says which request it answers and how long it is. */
export function tcpFraming(): Framing {
  let received = Buffer.alloc(0)
  let transaction = 0
  let expected: Expected | undefined
  let noise = 0

  /** One whole frame from the front of what was received, without its header. */
  function nextFrame(): { transaction: number; body: Buffer } | undefined {
    if (received.length < headerBytes) return undefined
    const protocol = received.readUInt16BE(2)
    const length = received.readUInt16BE(4)
    if (protocol !== 0) throw malformed(`protocol ${protocol} instead of 0 in its header`, false)
    if (length < 3 || length > maxPdu + 1) throw malformed(`a frame of ${length} bytes`, false)
    if (received.length < headerBytes + length) return undefined
    const frame = {
      transaction: received.readUInt16BE(0),
      body: received.subarray(headerBytes, headerBytes + length),
    }
    received = received.subarray(headerBytes + length)
    return frame
  }

  /** Of a request that was given up; anything else was never asked for. */
  const isLate = (id: number) => {
    const age = (transaction - id) & 0xffff
    return age < lateTransactions && (age > 0 || expected === undefined)
  }

  return {
    get unread() {
      return noise + received.length
    },
    request(frame) {
      transaction = (transaction + 1) & 0xffff
      expected = expectedOf(frame)
      const body = frame.subarray(0, -2)
      const header = Buffer.alloc(headerBytes)
      header.writeUInt16BE(transaction, 0)
      header.writeUInt16BE(body.length, 4)
      return Buffer.concat([header, body])
    },
    receive(chunk) {
      received = Buffer.concat([received, chunk])
      for (let frame = nextFrame(); frame; frame = nextFrame()) {
        if (expected && frame.transaction === transaction) {
          checkBody(frame.body, expected)
          expected = undefined
          noise = 0
          return withChecksum(frame.body)
        }
        if (!isLate(frame.transaction))
          throw malformed(`transaction ${frame.transaction} instead of ${transaction}`, false)
        noise += frame.body.length
        if (noise > maxNoise) throw malformed('answers to what was not asked', false)
      }
      return undefined
    },
    abandon() {
      expected = undefined
    },
  }
}

/** An answer may be late by so many requests, and is then dropped. */
const lateTransactions = 64

function checkBody(body: Buffer, { unit, code, dataBytes }: Expected): void {
  if (body[0] !== unit) throw malformed(`unit ${body[0]} answers for unit ${unit}`, false)
  if (body[1] === (code | 0x80) && body.length === 3) return
  if (body[1] !== code) throw malformed(`function ${body[1]} instead of ${code}`, false)
  if (body[2] !== dataBytes || body.length !== 3 + dataBytes)
    throw malformed(`${body[2]} bytes in a frame for ${body.length - 3} instead of ${dataBytes}`, false)
}

function withChecksum(body: Buffer): Buffer {
  const frame = Buffer.alloc(body.length + 2)
  body.copy(frame)
  frame.writeUInt16LE(crc16(body), body.length)
  return frame
}

/** RTU: unit, function, data and checksum; what is not an answer to the request is noise. */
export function rtuFraming(): Framing {
  let received = Buffer.alloc(0)
  let expected: Expected | undefined
  let noise = 0

  return {
    get unread() {
      return noise + received.length
    },
    request(frame) {
      received = Buffer.alloc(0)
      noise = 0
      expected = expectedOf(frame)
      return frame
    },
    receive(chunk) {
      if (!expected) {
        noise += chunk.length
        if (noise > maxNoise) throw malformed('bytes that nobody asked for', true)
        return undefined
      }
      received = Buffer.concat([received, chunk])
      for (; received.length >= 5; received = received.subarray(1), noise++) {
        if (noise > maxNoise) throw malformed('no frame with a right checksum', true)
        const length = answerLength(received, expected)
        if (length === undefined) continue
        if (received.length < length) break
        const frame = received.subarray(0, length)
        if (frame.readUInt16LE(length - 2) !== crc16(frame.subarray(0, -2))) continue
        expected = undefined
        noise = 0
        return frame
      }
      return undefined
    },
    abandon() {
      expected = undefined
      received = Buffer.alloc(0)
      noise = 0
    },
  }
}

/** Of an answer that begins here; undefined when none can. Also passes over an echo of the request. */
function answerLength(bytes: Buffer, { unit, code, dataBytes }: Expected): number | undefined {
  if (bytes[0] !== unit) return undefined
  if (bytes[1] === (code | 0x80)) return 5
  return bytes[1] === code && bytes[2] === dataBytes ? 5 + dataBytes : undefined
}
