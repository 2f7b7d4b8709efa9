import { request as ask, type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import type { Denials } from '../guard/denials.ts'
import type { Decision, Guard } from '../guard/guard.ts'
import { identityHeaders as identityNames, strippedHeaders } from '../guard/proxy-files/headers.ts'
import { proxySecretHeader } from '../proxy-secret.ts'
import { appCookies, identityHeaders } from './passed-on.ts'
import { isProxied, senderOf, tokensOf, userAgentOf } from './request.ts'
import type { Surface } from './route.ts'

/**
 * Proxies ask once, when a WebSocket opens, and no proxy asks again. So they hand WebSockets to us: we
 * pass them on to the app, and close them soon after their session has ended or the rules have changed.
 */
export interface WebSockets extends AsyncDisposable {
  /** For the `upgrade` event of a server. */
  take(way: Surface): (request: IncomingMessage, socket: Duplex, head: Buffer) => void
}

export interface WebSocketsDeps {
  guard: Guard
  denials: Denials
  clock: Clock
  log: Logger
}

interface Open {
  stillPasses(): boolean
  close(): void
}

const lookEveryMs = 5_000
/** Each holds two sockets. */
const maxOpen = 1_024
const answerTimeoutMs = 10_000

export function createWebSockets({ guard, denials, clock, log }: WebSocketsDeps): WebSockets {
  const open = new Set<Open>()
  /** Those whose handshake is under way, too. */
  const taken = new Set<Duplex>()
  const stopped = new AbortController()
  const looking = lookAgain(open, clock, stopped.signal)

  const join = (near: Duplex, far: Duplex, decision: Passed, target: string): void => {
    const close = () => {
      near.destroy()
      far.destroy()
      open.delete(entry)
    }
    const entry: Open = { stillPasses: () => guard.stillPasses(decision, target), close }
    open.add(entry)
    for (const socket of [near, far]) socket.on('close', close).on('error', close)
    near.pipe(far).pipe(near)
  }

  const answer = async (
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    way: Surface,
  ): Promise<void> => {
    const { url: target = '', method = '', headers } = request
    const isHandshake = method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket'
    if (!isProxied(request, way) || !isHandshake) return refuse(socket, 400)
    if (open.size >= maxOpen) return refuse(socket, 503)
    const question = { targets: [target], methods: [method], tokens: tokensOf(request) }
    const decision = await guard.decide({ ...question, userAgent: userAgentOf(request) })
    if (socket.destroyed) return
    if (decision.is === 'sign_in') return refuse(socket, 401)
    if (decision.is === 'denied') {
      const { identity, gate, reason } = decision
      const whose = { user: identity?.user.name, session: identity?.session.id, clientId: gate?.clientId }
      denials.accessDenied({ ...senderOf(request, way), ...whose, reason, target, method })
      return refuse(socket, 403)
    }
    const app = decision.gate?.upstream
    if (!app) return refuse(socket, 404)
    const opened = (far: Duplex): void => join(socket, far, decision, target)
    handshake({ request, socket, head, decision, app }, opened, log)
  }

  return {
    take: (way) => (request, socket, head) => {
      socket.on('error', () => socket.destroy())
      if (stopped.signal.aborted) return refuse(socket, 503)
      taken.add(socket)
      socket.on('close', () => taken.delete(socket))
      answer(request, socket, head, way).catch((err) => {
        log.error({ err }, 'WebSocket not decided')
        refuse(socket, 503)
      })
    },
    async [Symbol.asyncDispose]() {
      stopped.abort()
      for (const socket of taken) socket.destroy()
      await looking
    },
  }
}

type Passed = Decision & { is: 'pass' }

interface Handshake {
  request: IncomingMessage
  socket: Duplex
  head: Buffer
  decision: Passed
  app: string
}

/** Asks the app as the client has asked; what it answers goes back as it is. */
function handshake(
  { request, socket, head, decision, app }: Handshake,
  opened: (far: Duplex) => void,
  log: Logger,
): void {
  const headers = headersFor(request, decision)
  const far = ask(new URL(app), { method: 'GET', agent: false, path: request.url as string, headers })
  far.setTimeout(answerTimeoutMs, () => far.destroy(new Error('the app does not answer')))
  socket.on('close', () => far.destroy())
  far.on('error', (error) => {
    log.debug({ err: error, app: decision.gate?.clientId }, 'app does not take the WebSocket')
    refuse(socket, 502)
  })
  far.on('response', (answer) => {
    socket.write(`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\n${rawHeaders(answer)}\r\n`)
    answer.pipe(socket)
  })
  far.on('upgrade', (answer, farSocket, farHead) => {
    far.setTimeout(0)
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${rawHeaders(answer, true)}\r\n`)
    socket.write(farHead)
    farSocket.write(head)
    opened(farSocket)
  })
  far.end()
}

async function lookAgain(open: ReadonlySet<Open>, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(lookEveryMs, signal).catch(() => {})
    for (const entry of open) if (!entry.stillPasses()) entry.close()
  }
}

function refuse(socket: Duplex, status: number): void {
  if (socket.destroyed) return
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
}

const dropped = new Set(
  [
    ...[...identityNames, ...strippedHeaders, proxySecretHeader, 'Cookie'],
    // A handshake has no body, and the app must not wait for one.
    ...['Content-Length', 'Transfer-Encoding', 'Expect', 'TE', 'Trailer'],
  ].map((name) => name.toLowerCase()),
)

/** What the client sent, without what is ours to say in whatever spelling. */
function headersFor(request: IncomingMessage, { identity, roles, gate }: Passed): string[] {
  const passed: string[] = []
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const [name, value] = request.rawHeaders.slice(at, at + 2) as [string, string]
    if (!dropped.has(name.toLowerCase().replaceAll(/[_.]/g, '-'))) passed.push(name, value)
  }
  const cookies = appCookies(request, gate)
  if (cookies !== '') passed.push('cookie', cookies)
  return [...passed, ...Object.entries(identity ? identityHeaders(identity, roles) : {}).flat()]
}

function rawHeaders({ rawHeaders: raw }: IncomingMessage, upgraded = false): string {
  let text = ''
  for (let at = 0; at < raw.length; at += 2) {
    const hop = /^(?:connection|keep-alive|transfer-encoding)$/i.test(raw[at] as string)
    if (upgraded || !hop) text += `${raw[at]}: ${raw[at + 1]}\r\n`
  }
  return upgraded ? text : `${text}Connection: close\r\n`
}
