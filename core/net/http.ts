import * as http from 'node:http'
import * as https from 'node:https'
import type { Socket } from 'node:net'
import { originOf } from './address.ts'
import type { Admit } from './connector.ts'
import { unreachable } from './unreachable.ts'

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  url: string
  headers?: Record<string, string>
  body?: string | Uint8Array
  /** PEM of an authority trusted for this call, besides the usual ones. */
  ca?: string | undefined
  /** For the whole exchange; `proxy.timeout` unless told. */
  timeoutMs?: number
  /** Of the answer; 16 MiB unless told. */
  maxBytes?: number
  /** See `ConnectOptions`. */
  admit?: Admit | undefined
  /** See `ConnectOptions`. */
  clearText?: boolean | undefined
  signal?: AbortSignal | undefined
}

export interface HttpResponse {
  status: number
  headers: http.IncomingHttpHeaders
  body: Buffer
}

/**
 * Every outgoing HTTP exchange. Any status is an answer; no answer is `Unreachable`. Never decodes a
 * body, never follows a redirect, and speaks plain HTTP with this machine only, unless
 * the request says otherwise.
 */
export type Http = (request: HttpRequest) => Promise<HttpResponse>

const maxBodyBytes = 16 * 1024 * 1024

/** One exchange over a connection that is ready, and is closed afterwards. */
export async function exchange(
  url: URL,
  socket: Socket,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>()
  const send = url.protocol === 'https:' ? https.request : http.request
  const outgoing = send(url, {
    method: request.method,
    headers: { 'accept-encoding': 'identity', connection: 'close', ...request.headers },
    createConnection: () => socket,
    signal,
  })
  outgoing.on('error', reject)
  outgoing.on('response', (answer) => {
    collect(answer, request.maxBytes ?? maxBodyBytes).then(
      (body) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }),
      reject,
    )
  })
  outgoing.end(request.body)
  try {
    return await promise
  } catch (error) {
    throw signal.aborted ? signal.reason : unreachable(originOf(url), error as Error)
  } finally {
    socket.destroy()
  }
}

async function collect(answer: http.IncomingMessage, maxBytes: number): Promise<Buffer> {
  const encoding = answer.headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity')
    throw new Error(`content-encoding ${encoding} was not asked for`)
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new Error(`the answer is larger than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
