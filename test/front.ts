import { once } from 'node:events'
import * as http from 'node:http'
import * as https from 'node:https'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** What stands at an address: a real program behind it, or something that should not be there. */
export type Behaviour = (socket: Socket) => void

/** An address that stays the same while what answers there changes. */
export interface Front extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly host: string
  /** Undefined: nothing listens there. Connections that there are end. */
  behave(behaviour: Behaviour | undefined): Promise<void>
}

export async function openFront(first: Behaviour): Promise<Front> {
  const open = new Set<Socket>()
  let behaviour = first
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
    behaviour(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = async () => {
    if (!server.listening) return
    server.close()
    for (const socket of open) socket.destroy()
    await once(server, 'close')
  }
  return {
    host: `127.0.0.1:${port}`,
    async behave(next) {
      await close()
      if (!next) return
      behaviour = next
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
    [Symbol.asyncDispose]: close,
  }
}

export const leadTo = (url: string): Behaviour => {
  const { hostname, port } = new URL(url)
  return (near) => {
    const far = connect(Number(port), hostname)
    far.on('error', () => {})
    near.pipe(far).pipe(near)
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
  }
}

export const hang: Behaviour = () => {}

export const say =
  (text: string): Behaviour =>
  (socket) =>
    void socket.end(text)

const answering = (status: number, body: string) => (_: http.IncomingMessage, answer: http.ServerResponse) =>
  void answer.writeHead(status).end(body)

export function answerHttp(status: number, body: string): Behaviour {
  const server = http.createServer(answering(status, body))
  server.on('connect', (_request, socket) => socket.end(`HTTP/1.1 ${status} no\r\ncontent-length: 0\r\n\r\n`))
  return (socket) => void server.emit('connection', socket)
}

export function answerHttps(pair: { cert: string; key: string }): Behaviour {
  const server = https.createServer(pair, answering(200, '{}'))
  server.on('tlsClientError', () => {}) // it refused us, as it should
  return (socket) => void server.emit('connection', socket)
}
