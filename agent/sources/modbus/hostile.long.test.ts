import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { systemClock } from '../../../core/clock.ts'
import { openNetwork } from '../../../core/net/index.ts'
import { statusCode } from '../../../protocol/reading.ts'
import { until } from '../../../test/modbus/devices.ts'
import { createSharing } from '../shared.ts'
import { crc16 } from './crc.ts'
import { openLink } from './link.ts'
import { acquire, type Given, serve } from './test-field.ts'

/** Registers 0 and 1 of unit 1. */
const points: Given[] = [
  ['INT', { table: 'holding', address: 0, type: 'int16' }],
  ['INT', { table: 'holding', address: 1, type: 'int16' }],
]
const fast = { interval: '100ms', timeout: '200ms' }

/** Behaves as `answer` says for as long as it misbehaves; then like a device. */
async function moody(answer: (request: Buffer, socket: Socket) => void) {
  let isGood = false
  const server = await serve((socket) => {
    socket.on('data', (request) => (isGood ? socket.write(rightAnswer(request)) : answer(request, socket)))
  })
  return Object.assign(server, {
    behave() {
      isGood = true
    },
  })
}

const header = (request: Buffer, length: number) =>
  Buffer.from([request[0] as number, request[1] as number, 0, 0, length >> 8, length & 0xff])
const rightAnswer = (request: Buffer) =>
  Buffer.concat([header(request, 7), Buffer.from([request[6] as number, 3, 4, 0, 42, 0, 43])])

const changed = (at: number, value: number) => (request: Buffer, socket: Socket) => {
  const answer = rightAnswer(request)
  answer.writeUInt8(value, at)
  socket.write(answer)
}

/** Writes for as long as somebody takes it. */
function endless(chunk: Buffer, socket: Socket): void {
  const pour = () => {
    while (!socket.destroyed && socket.write(chunk)) if (socket.writableLength > 1_000_000) break
    if (!socket.destroyed) socket.once('drain', pour)
  }
  pour()
}

const register126 = (request: Buffer) =>
  Buffer.concat([header(request, 3 + 252), Buffer.from([1, 3, 252]), Buffer.alloc(252)])

test.concurrent.each<[string, string, (request: Buffer, socket: Socket) => void]>([
  ['a wrong transaction id', 'malformed_answer', changed(1, 0xee)],
  ['another protocol', 'malformed_answer', changed(2, 1)],
  ['another unit', 'malformed_answer', changed(6, 9)],
  ['another function', 'malformed_answer', changed(7, 4)],
  ['a wrong number of bytes', 'malformed_answer', changed(8, 6)],
  ['126 registers', 'malformed_answer', (request, socket) => socket.write(register126(request))],
  [
    'half a frame, and silence',
    'no_answer',
    (request, socket) => socket.write(rightAnswer(request).subarray(0, 9)),
  ],
  [
    'half a frame, and the end',
    'connection_lost',
    (request, socket) => socket.end(rightAnswer(request).subarray(0, 9)),
  ],
  [
    'a frame without end',
    'malformed_answer',
    (_request, socket) => endless(Buffer.alloc(65_536, 0xff), socket),
  ],
  [
    'answers without end',
    'malformed_answer',
    (request, socket) => {
      const late = rightAnswer(request)
      late.writeUInt16BE((late.readUInt16BE(0) - 1) & 0xffff, 0)
      endless(Buffer.concat(Array(100).fill(late)), socket)
    },
  ],
  ['silence', 'no_answer', () => {}],
  ['the end', 'connection_lost', (_request, socket) => socket.destroy()],
  [
    'an HTTP page',
    'malformed_answer',
    (_request, socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
  ],
])('a device that answers with %s is dead with the reason, and comes back', async (_what, reason, answer) => {
  await using server = await moody(answer)
  await using source = acquire({ address: server.address, ...fast }, points)
  const state = await source.failed()
  expect(state.reason).toBe(reason)
  expect(state.message).toMatch(/\. [A-Z].*[.?]$/)
  expect(source.newest('p0')).toMatchObject({ value: null, reason })
  server.behave()
  await source.connected()
  await until('values', () => source.newest('p1')?.value === 43)
  expect(source.newest('p0')?.value).toBe(42)
  expect(server.open(), 'one connection is left of all').toBe(1)
})

test('a device that refuses is alive, and its exceptions are qualities', async () => {
  let code = 4
  await using server = await serve((socket) => {
    socket.on('data', (request) =>
      socket.write(Buffer.concat([header(request, 3), Buffer.from([1, 0x83, code])])),
    )
  })
  await using source = acquire({ address: server.address, ...fast }, points)
  await until('the exception', () => source.newest('p0')?.reason === 'server_device_failure')
  expect(source.newest('p0')?.quality).toBe(statusCode.badDeviceFailure)
  expect(source.state()).toEqual({ at: 'connected' })
  code = 6
  await until('busy', () => source.newest('p0')?.reason === 'server_device_busy')
  code = 99
  await until('whatever', () => source.newest('p0')?.reason === 'modbus_exception')
  code = 11
  expect((await source.failed()).reason).toBe('gateway_target_failed_to_respond')
})

test('a slow unit of a gateway costs the others its time-out at most, and they share one connection', async () => {
  const asked: number[] = []
  await using server = await serve((socket) => {
    socket.on('data', (request) => {
      const unit = request[6] as number
      asked.push(unit)
      if (unit !== 7) socket.write(rightAnswer(request))
    })
  })
  const sharing = createSharing()
  const at = (unit: number) => acquire({ address: server.address, ...fast, unit }, points, sharing)
  await using first = at(1)
  await using second = at(2)
  await using slow = at(7)
  await slow.failed()
  const turns = () => Math.min(first.samples.length, second.samples.length) / points.length
  const before = turns()
  await until('20 more turns of both', () => turns() > before + 20)
  expect(server.open()).toBe(1)
  for (const healthy of [first, second])
    expect(healthy.samples.every(({ quality }) => quality === 0)).toBe(true)
  // Nobody is asked again before those who waited, and whoever does not answer is asked rarely.
  expect(asked.join('')).not.toContain('77')
  expect(asked.filter((unit) => unit === 7).length).toBeLessThan(asked.length / 4)
})

/** An RTU device behind a converter; each register holds its own address. */
function busDevice(delayMs: () => number, disturb: (frame: Buffer) => void = () => {}) {
  return serve((socket) => {
    socket.on('data', (request) => {
      const body = Buffer.from([1, 3, 2, request.readUInt8(2), request.readUInt8(3)])
      const crc = crc16(body)
      const answer = Buffer.concat([body, Buffer.from([crc & 0xff, crc >> 8])])
      disturb(answer)
      setTimeout(() => socket.write(answer), delayMs())
    })
  })
}

test('on a bus a late answer is not taken for that to the next question', async () => {
  let delayMs = 300
  await using server = await busDevice(() => delayMs)
  const { connectField } = openNetwork()
  const device = { host: '127.0.0.1', port: server.port }
  await using link = openLink(
    {
      clock: systemClock,
      openStream: (_place, signal) => connectField(device, { signal, timeoutMs: 5_000 }),
    },
    { transport: 'rtu-over-tcp', device, name: server.address },
  )
  const read = (address: number) =>
    link.read({ unit: 1, table: 'holding', address, count: 1 }, 200, new AbortController().signal)
  await expect(read(10)).rejects.toMatchObject({ reason: 'no_answer' })
  delayMs = 150 // the answer to the first question would come before that to the second
  expect(await read(3000)).toEqual(Buffer.from([3000 >> 8, 3000 & 0xff]))
})

test('on a bus a disturbed frame is asked for again, and nobody notices', async () => {
  let asked = 0
  await using server = await busDevice(
    () => 0,
    (frame) => asked++ % 4 === 3 && frame.writeUInt8(0xff, 3),
  )
  await using source = acquire({ transport: 'rtu-over-tcp', address: server.address, ...fast }, [
    ['INT', { table: 'holding', address: 7, type: 'uint16' }],
  ])
  await until('some disturbed frames', () => asked > 12)
  expect(source.samples.every(({ value, quality }) => value === 7 && quality === 0)).toBe(true)
  expect(source.reported.filter(({ at }) => at === 'failing')).toEqual([])
})

test('a stop ends a source at once, wherever it stands, and leaves no connection', async () => {
  await using silent = await serve((socket) => socket.resume())
  for (const timeout of ['30s', '200ms']) {
    const source = acquire({ address: silent.address, timeout }, points)
    await until('a connection', () => silent.open() > 0)
    await source[Symbol.asyncDispose]()
    await until('no connection', () => silent.open() === 0)
  }
})
