import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { ConnectionError } from 'fastify'
import type { Logger } from './log.ts'

interface Unreadable {
  status: number
  code: string
  message: string
}

/**
 * Answers what the parser could not make a request of. Of its bytes nothing is logged: they may hold
 * credentials, and Fastify's own handler would write each of them as a number, five times their size.
 */
export const answerUnreadable =
  (log: Logger, body: (unreadable: Unreadable) => object, patientWith?: Pick<WeakSet<Socket>, 'has'>) =>
  (error: ConnectionError, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || socket.destroyed) return
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && patientWith?.has(socket)) return
    const unreadable = whatIsWrong(error)
    log.trace({ reason: error.code, address: socket.remoteAddress }, 'request unreadable')
    if (socket.writable) socket.write(response(unreadable.status, JSON.stringify(body(unreadable))))
    socket.destroy(error)
  }

function whatIsWrong({ code }: ConnectionError): Unreadable {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return { status: 408, code: 'request_timeout', message: 'the request did not arrive in time' }
  if (code === 'HPE_HEADER_OVERFLOW')
    return { status: 431, code: 'headers_too_large', message: 'the headers are too large' }
  return { status: 400, code: 'bad_request', message: 'this is not HTTP' }
}

const response = (status: number, text: string): string =>
  [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(text)}`,
    'connection: close',
    `\r\n${text}`,
  ].join('\r\n')
