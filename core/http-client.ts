import { readFileSync } from 'node:fs'
import * as http from 'node:http'
import * as https from 'node:https'
import { rootCertificates } from 'node:tls'
import { EdgeError, Invalid } from './errors.ts'

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  url: string
  headers?: Record<string, string>
  body?: string | Uint8Array
  /** PEM of an authority trusted for this call, besides the usual ones. */
  ca?: string | undefined
  /** For the whole exchange; 30 s unless told. */
  timeoutMs?: number
  signal?: AbortSignal | undefined
}

export interface HttpResponse {
  status: number
  headers: http.IncomingHttpHeaders
  body: Buffer
}

/** Every outgoing HTTP exchange. Any status is an answer; no answer is `Unreachable`. */
export type Http = (request: HttpRequest) => Promise<HttpResponse>

/** The far side did not answer. `step` names how far it came. */
export class Unreachable extends EdgeError {
  override readonly name = 'Unreachable'
  readonly code = 'unreachable'
  override readonly retryable = true
  override readonly statusCode = 502
  override readonly exitCode = 5
  override readonly cure: string
  readonly step: Step

  constructor(target: string, step: Step, reason: string, options: ErrorOptions = {}) {
    super(`${target} cannot be reached (${step}): ${reason}`, options)
    this.step = step
    this.cure = cures[step]
  }
}

type Step = 'resolve' | 'connect' | 'tls' | 'timeout' | 'answer'

const cures: Record<Step, string> = {
  resolve: 'Check the host name and the DNS servers of this box.',
  connect: 'Check that the far side runs and that no firewall is between.',
  tls: 'Check the clock of this box and the CA certificate it was given.',
  timeout: 'Check the network between this box and the far side.',
  answer: 'The far side closed the connection or sent what is not HTTP; see its log.',
}

const maxBodyBytes = 16 * 1024 * 1024

/**
 * Never decodes a body (no accept-encoding is sent, and an encoded answer is an error), never follows
 * a redirect, and speaks plain HTTP with this machine only.
 */
export function createHttp({ caFile }: { caFile?: string | undefined } = {}): Http {
  const extra = caFile === undefined ? [] : [readFileSync(caFile, 'utf8')]
  return async (request) => {
    const url = new URL(request.url)
    refusePlaintext(url)
    const ca = [...extra, ...(request.ca === undefined ? [] : [request.ca])]
    const options: https.RequestOptions = {
      method: request.method,
      headers: { 'accept-encoding': 'identity', ...request.headers },
      agent: false,
      ...(ca.length > 0 ? { ca: [...rootCertificates, ...ca] } : {}),
    }
    return exchange(url, options, request)
  }
}

/** Credentials and telemetry leave the machine over TLS only. */
export function refusePlaintext(url: URL): void {
  if (url.protocol === 'https:' || url.protocol === 'mqtts:') return
  if (url.protocol !== 'http:' && url.protocol !== 'mqtt:')
    throw new Invalid(`${url.protocol}// is not a scheme for ${url.host}`)
  if (isLoopback(url.hostname)) return
  throw new Invalid(`${url.protocol}//${url.host} would go over the network in clear text`, {
    cure: 'Serve the far side over TLS; plain text is allowed on 127.0.0.1, ::1 and localhost only.',
  })
}

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)

function exchange(url: URL, options: https.RequestOptions, request: HttpRequest): Promise<HttpResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>()
  const timeoutMs = request.timeoutMs ?? 30_000
  const deadline = AbortSignal.timeout(timeoutMs)
  const signal = request.signal ? AbortSignal.any([request.signal, deadline]) : deadline
  const fail = (error: Error) => {
    if (request.signal?.aborted) reject(request.signal.reason)
    else if (deadline.aborted)
      reject(new Unreachable(url.origin, 'timeout', `no answer within ${timeoutMs} ms`))
    else reject(unreachable(url.origin, error))
  }
  const send = url.protocol === 'https:' ? https.request : http.request
  const outgoing = send(url, { ...options, signal }, (answer) => {
    const encoding = answer.headers['content-encoding']
    if (encoding !== undefined && encoding !== 'identity') {
      answer.destroy()
      return reject(new Unreachable(url.origin, 'answer', `content-encoding ${encoding} was not asked for`))
    }
    collect(answer).then(
      (body) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }),
      fail,
    )
  })
  outgoing.on('error', fail)
  outgoing.end(request.body)
  return promise
}

async function collect(answer: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBodyBytes) throw new Error(`answer is larger than ${maxBodyBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Turns a socket's error into the step that failed. Also for MQTT connections. */
export function unreachable(target: string, cause: Error): Unreachable {
  const { code = '', message } = cause as NodeJS.ErrnoException
  const step: Step =
    code === 'ENOTFOUND' || code === 'EAI_AGAIN'
      ? 'resolve'
      : /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)$/.test(code)
        ? 'connect'
        : /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO|ALTNAME/.test(code)
          ? 'tls'
          : 'answer'
  return new Unreachable(target, step, message || code, { cause })
}
