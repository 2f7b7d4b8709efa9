import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcp, type Server } from 'node:net'
import { Duplex } from 'node:stream'
import { Aedes } from 'aedes'
import { expect, onTestFinished, test } from 'vitest'
import { openNetwork } from '../../core/net/index.ts'
import { openConnection } from './connection.ts'

const { connect } = openNetwork()
const forever = new AbortController().signal

const options = (target: string, onMessage: (topic: string, payload: Buffer) => void = () => {}) => ({
  target,
  version: 4 as const,
  clientId: 'tenant_agent',
  username: 'agent',
  password: 'token',
  inbound: 'in/#',
  onMessage,
})

/** The payloads of masked binary frames come out; what is written goes into binary frames (RFC 6455, 5.2). */
function framed(socket: Duplex): Duplex {
  let waiting: Buffer = Buffer.alloc(0)
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      const length = chunk.length < 126 ? [chunk.length] : [126, chunk.length >> 8, chunk.length & 255]
      socket.write(Buffer.concat([Buffer.from([0x82, ...length]), chunk]), done)
    },
  })
  socket.on('data', (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk])
    while (waiting.length >= 2) {
      const short = (waiting[1] as number) & 127
      const start = short === 126 ? 4 : 2
      if (waiting.length < start + 4) return
      const length = short === 126 ? waiting.readUInt16BE(2) : short
      const mask = waiting.subarray(start, start + 4)
      const body = waiting.subarray(start + 4, start + 4 + length)
      if (body.length < length) return
      stream.push(Buffer.from(body.map((byte, k) => byte ^ (mask[k % 4] as number))))
      waiting = waiting.subarray(start + 4 + length)
    }
  })
  socket.on('close', () => stream.destroy())
  return stream
}

async function webSocketBroker() {
  const broker = await Aedes.createBroker()
  const asked: (string | undefined)[] = []
  const server = createServer((_request, response) => response.writeHead(404).end())
  server.on('upgrade', (request, socket: Duplex) => {
    asked.push(request.url, request.headers['sec-websocket-protocol'])
    const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
    const accept = createHash('sha1').update(key).digest('base64')
    socket.write(
      `HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n`,
    )
    broker.handle(framed(socket))
  })
  const host = await listening(server)
  onTestFinished(() => new Promise<void>((resolve) => broker.close(() => resolve())))
  return { broker, asked, url: `ws://${host}/mqtt` }
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('MQTT goes over WebSocket, both ways', async () => {
  const { broker, asked, url } = await webSocketBroker()
  const published = Promise.withResolvers<string>()
  const received = Promise.withResolvers<string>()
  broker.on('publish', ({ topic, payload }, client) => {
    if (!client) return
    published.resolve(`${topic}: ${payload}`)
    broker.publish({ ...reply, topic: 'in/ack', payload: Buffer.from('x'.repeat(1000)) }, () => {})
  })
  const connection = await openConnection(
    connect,
    options(url, (topic, payload) => received.resolve(`${topic}: ${payload.length} bytes`)),
    forever,
  )
  connection.publish('out/batch', Buffer.from('readings'))
  expect(await published.promise).toBe('out/batch: readings')
  expect(await received.promise).toBe('in/ack: 1000 bytes')
  expect(asked).toEqual(['/mqtt', 'mqtt'])
  await connection[Symbol.asyncDispose]()
  await expect(connection.ended).rejects.toMatchObject({ code: 'unreachable' })
})

const reply = { cmd: 'publish', qos: 1, dup: false, retain: false } as const

test('clear text over the network is refused under every scheme', async () => {
  for (const target of ['mqtt://192.0.2.1', 'ws://192.0.2.1/mqtt'])
    await expect(openConnection(connect, options(target), forever)).rejects.toMatchObject({ code: 'invalid' })
})

test('an address that is no broker is an answer that nobody understands', async () => {
  const web = await listening(createServer((_request, response) => response.writeHead(404).end()))
  const mail = await listening(createTcp((socket) => void socket.end('220 mail.example ESMTP\r\n')))
  for (const target of [`ws://${web}/mqtt`, `mqtt://${mail}`])
    await expect(openConnection(connect, options(target), forever), target).rejects.toMatchObject({
      code: 'unreachable',
      step: 'answer',
    })
})

test('a broker that says nothing is waited for until aborted', async () => {
  const silent = await listening(createTcp((socket) => void onTestFinished(() => void socket.destroy())))
  const stop = new AbortController()
  const waiting = openConnection(connect, options(`mqtt://${silent}`), stop.signal)
  setImmediate(() => stop.abort(new Error('stopped')))
  await expect(waiting).rejects.toThrow('stopped')
})
