import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Unreachable } from './unreachable.ts'

export interface Probe {
  method?: string
  /** As it stands in the request line: no client would send most of them. */
  target: string
  headers?: readonly (readonly [string, string])[]
}

export interface Reply {
  status: number
  /** Absolute, against the URL that was asked. */
  location: URL | undefined
  body: string
}

const timeoutMs = 5_000
const maxBytes = 262_144

/**
 * Sends exactly these bytes. Undefined when the far side closes without an answer. Certificates are not
 * looked at: nothing secret is sent, and the box may be known by another name.
 */
export async function send(
  base: URL,
  { method = 'GET', target, headers = [] }: Probe,
): Promise<Reply | undefined> {
  const socket = await open(base)
  const lines = [`${method} ${target} HTTP/1.1`, `Host: ${base.host}`]
  for (const [name, value] of headers) lines.push(`${name}: ${value}`)
  if (!headers.some(([name]) => name.toLowerCase() === 'connection')) lines.push('Connection: close')
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  const text = await read(
    socket,
    headers.some(([name]) => name === 'Upgrade'),
  )
  return parse(text, base)
}

async function open(base: URL): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const host = base.hostname.replace(/^\[|\]$/g, '')
  const secure = base.protocol === 'https:'
  const at = { host, port: Number(base.port) || (secure ? 443 : 80) }
  const socket: Socket = secure
    ? connectTls({ ...at, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] }, () => resolve(socket))
    : connectTcp(at, () => resolve(socket))
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error('timed out')))
  socket.on('error', reject)
  try {
    return await promise
  } catch (cause) {
    throw new Unreachable(base, cause as Error)
  }
}

/** All there is, or the head alone where the connection may stay open. */
async function read(socket: Socket, headOnly: boolean): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  let text = ''
  const end = () => {
    socket.destroy()
    resolve(text)
  }
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
    if (text.length > maxBytes || (headOnly && text.includes('\r\n\r\n'))) end()
  })
  socket.on('error', end) // reset: whatever was said until then counts
  socket.on('close', end)
  return promise
}

function parse(text: string, base: URL): Reply | undefined {
  const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(text) ?? []
  if (status === undefined) return undefined
  const split = text.indexOf('\r\n\r\n')
  const location = /^location:[ \t]*(.*)$/im.exec(text.slice(0, split))?.[1]?.trim()
  return {
    status: Number(status),
    location:
      location !== undefined && URL.canParse(location, base.href) ? new URL(location, base.href) : undefined,
    body: text.slice(split + 4),
  }
}
