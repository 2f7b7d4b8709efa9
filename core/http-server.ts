import { chmod, rm } from 'node:fs/promises'
import * as http from 'node:http'
import * as https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify'
import Type, { type Static } from 'typebox'
import { EdgeError, Invalid } from './errors.ts'
import { checkingOnUse, writingOnUse } from './http-schemas.ts'
import { answerUnreadable } from './http-unreadable.ts'
import type { Logger } from './log.ts'
import { refuseLongPath } from './socket-path.ts'

export type HttpServer = FastifyInstance<
  import('fastify').RawServerDefault,
  import('node:http').IncomingMessage,
  import('node:http').ServerResponse,
  Logger,
  TypeBoxTypeProvider
>

/** RFC 9457, with our stable code. The default error body; OAuth endpoints have their own. */
export const Problem = Type.Object({
  type: Type.Literal('about:blank'),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String(),
  detail: Type.Optional(Type.String()),
})

/**
 * For the one question that is asked so often that routing costs more than the answer. True when it has
 * taken the request, and will answer it. No hook of the server sees what it takes.
 */
export type FirstLook = (request: http.IncomingMessage, response: http.ServerResponse) => boolean

export interface HttpServerOptions {
  log: Logger
  tls?: { cert: string; key: string } | undefined
  /** Bytes of a request body; 64 KiB unless told. */
  bodyLimit?: number
  /** For a request to arrive as a whole; 10 s unless told. */
  requestTimeoutMs?: number
  /** Sees every request before the routes do. */
  first?: FirstLook | undefined
  /** On these a request may take longer to arrive: whoever reads it sees to its time. */
  patientWith?: Pick<WeakSet<Socket>, 'has'> | undefined
  /** How an error is said; `Problem` unless told. */
  errorBody?: (error: { status: number; code: string; message: string }, request: FastifyRequest) => object
}

/**
 * A Fastify server with our defaults: TypeBox validation without coercion surprises, a body that came
 * with a Content-Encoding refused unread, slow clients closed, errors in one shape, bugs never shown.
 */
export function createHttpServer({
  log,
  tls,
  bodyLimit = 65_536,
  requestTimeoutMs = 10_000,
  first,
  patientWith,
  errorBody,
}: HttpServerOptions): HttpServer {
  const server = Fastify({
    loggerInstance: quieter(log),
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit,
    forceCloseConnections: true,
    clientErrorHandler: answerUnreadable(log, problem, patientWith),
    routerOptions: { maxParamLength: 512 },
    schemaController: { compilersFactory: { buildSerializer: writingOnUse } },
    serverFactory: (routes) => {
      const answer: http.RequestListener =
        first === undefined
          ? routes
          : (request, response) => void (first(request, response) || routes(request, response))
      return openServer(answer, requestTimeoutMs, tls)
    },
  }).withTypeProvider<TypeBoxTypeProvider>() as unknown as HttpServer
  server.setValidatorCompiler(checkingOnUse)

  server.addHook('onRequest', async (request) => {
    const encoding = request.headers['content-encoding']
    if (encoding !== undefined && encoding !== 'identity') throw new UnsupportedEncoding(encoding)
  })

  const body = errorBody ?? problem
  server.setErrorHandler((error: Error & { statusCode?: number; code?: string }, request, reply) => {
    const planned = error instanceof EdgeError || (error.statusCode !== undefined && error.statusCode < 500)
    if (!planned) request.log.error({ err: error, path: request.routeOptions.url }, 'request failed')
    const status = error.statusCode ?? 500
    const code = planned ? (error.code ?? 'invalid') : 'internal'
    const message = planned ? error.message : 'internal error'
    return reply.status(status).send(body({ status, code: code.toLowerCase(), message }, request))
  })
  server.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) =>
    reply.status(404).send(body({ status: 404, code: 'not_found', message: 'no such resource' }, request)),
  )
  return server
}

/** Node looks only every 30 s for who is too slow unless told, three times as long as they may take. */
const slowClientsCheckedMs = 1_000

function openServer(
  answer: http.RequestListener,
  requestTimeout: number,
  tls: HttpServerOptions['tls'],
): http.Server {
  const timeouts = {
    requestTimeout,
    headersTimeout: Math.min(requestTimeout, 60_000),
    connectionsCheckingInterval: slowClientsCheckedMs,
    keepAliveTimeout: 65_000,
  }
  return tls
    ? https.createServer({ ...timeouts, cert: tls.cert, key: tls.key, minVersion: 'TLSv1.2' }, answer)
    : http.createServer(timeouts, answer)
}

/** Fastify tells at level info where it listens, in words; our ready lines say that in fields. */
function quieter(log: Logger): Logger {
  const keep = log.isLevelEnabled('debug') || !log.isLevelEnabled('info')
  return keep ? log : log.child({}, { level: 'warn' })
}

const problem = ({
  status,
  code,
  message,
}: {
  status: number
  code: string
  message: string
}): Static<typeof Problem> => ({
  type: 'about:blank',
  title: code,
  status,
  code,
  detail: message,
})

class UnsupportedEncoding extends EdgeError {
  override readonly name = 'UnsupportedEncoding'
  readonly code = 'unsupported_encoding'
  override readonly statusCode = 415

  constructor(encoding: string) {
    super(`content-encoding ${encoding} is not accepted`)
  }
}

/** `host:port` as it stands in the configuration; port 0 takes any free one. */
export function parseListen(listen: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(listen)
  const host = match?.[1] ?? match?.[2]
  if (match === null || host === undefined || Number(match[3]) > 65_535)
    throw new Invalid(`"${listen}" is not host:port`, { cure: 'For example 127.0.0.1:8480, or [::1]:8480.' })
  return { host, port: Number(match[3]) }
}

/** The listening address as a URL; an IPv6 host is bracketed. */
export function boundUrl(scheme: string, address: AddressInfo): string {
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `${scheme}://${host}:${address.port}`
}

export class AddressInUse extends EdgeError {
  override readonly name = 'AddressInUse'
  readonly code = 'address_in_use'
  override readonly exitCode = 2
  override readonly cure: string

  constructor(listen: string, setting: string, cause: Error) {
    super(
      `cannot listen on ${listen} (${setting}): ${(cause as NodeJS.ErrnoException).code ?? cause.message}`,
      { cause },
    )
    this.cure = `Stop what uses that address, or set another in ${setting} (EDGEWARD_${setting.toUpperCase().replace('.', '_')}).`
  }
}

/** Which errors of listen() mean that the setting is at fault. */
export const isListenError = (error: unknown): error is Error =>
  error instanceof Error &&
  /^(EADDRINUSE|EADDRNOTAVAIL|EACCES|ENOTFOUND|EAI_AGAIN)$/.test((error as NodeJS.ErrnoException).code ?? '')

/** Starts listening; `setting` is the configuration key, named when the address is taken. */
export async function listenTcp(server: HttpServer, listen: string, setting: string): Promise<string> {
  try {
    await server.listen(parseListen(listen))
  } catch (error) {
    if (isListenError(error)) throw new AddressInUse(listen, setting, error)
    throw error
  }
  const scheme = server.server instanceof https.Server ? 'https' : 'http'
  return boundUrl(scheme, server.server.address() as AddressInfo)
}

/** Listens on a Unix socket, replacing one that a killed process left. */
export async function listenUnix(server: HttpServer, path: string, mode: number): Promise<void> {
  refuseLongPath(path)
  await rm(path, { force: true })
  await server.listen({ path })
  await chmod(path, mode)
}
