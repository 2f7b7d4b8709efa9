import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createHttpServer, type HttpServer } from './http-server.ts'
import { createLog } from './log.ts'

let server: HttpServer
let logged: string[]
beforeEach(async () => {
  logged = []
  const log = createLog('trace', { write: (line) => void logged.push(line) })
  server = createHttpServer({ log, requestTimeoutMs: 200 })
  await server.listen({ host: '127.0.0.1', port: 0 })
  logged.length = 0
})
afterEach(() => server.close())

async function send(request: string): Promise<{ status: number; body: { code: string; status: number } }> {
  const socket = connect((server.server.address() as AddressInfo).port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(request)
  const answer = await text(socket)
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  expect(head).toContain(`content-length: ${body.length}`)
  return { status: Number(head.split(' ')[1]), body: JSON.parse(body) }
}

const credentials = 'authorization: Bearer s3cret\r\n'

test.each([
  [
    'no HTTP at all',
    `GET / HTTP/1.1\r\nhost: x\r\n${credentials}content-length: 1, 2\r\n\r\n`,
    400,
    'bad_request',
  ],
  [
    'too many headers',
    `GET / HTTP/1.1\r\n${credentials}a: ${'a'.repeat(20_000)}\r\n\r\n`,
    431,
    'headers_too_large',
  ],
  ['one that never ends', `GET / HTTP/1.1\r\n${credentials}`, 408, 'request_timeout'],
])('%s is answered, and nothing of it is logged', async (_what, request, status, code) => {
  expect(await send(request)).toMatchObject({ status, body: { code, status } })
  expect(logged).toHaveLength(1)
  expect(logged.join('').length).toBeLessThan(300)
  expect(logged.join('')).not.toContain([...Buffer.from('s3cret')].join(','))
})
