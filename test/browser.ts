import { once } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { request } from 'node:https'
import type { Duplex } from 'node:stream'
import { formType, loginPath, password } from './edge-auth.ts'

export interface Page {
  status: number
  headers: IncomingHttpHeaders
  text: string
}

const webSocket = { connection: 'Upgrade', upgrade: 'websocket' }

/** As much of a browser as signing in needs: cookies, a form, the headers that browsers add to it. */
export function createBrowser(origin: string, ca: string) {
  const cookies = new Map<string, string>()
  const options = (method: string, path: string, headers: Record<string, string>) => {
    const { hostname, port } = new URL(origin)
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const all = { accept: 'text/html', ...(cookie === '' ? {} : { cookie }), ...headers }
    return { hostname, port, method, path, headers: all, ca, agent: false }
  }
  const send = async (method: string, path: string, headers: Record<string, string>, body?: string) => {
    const outgoing = request(options(method, path, headers))
    outgoing.end(body)
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
    for (const line of incoming.headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value === '') cookies.delete(name)
      else cookies.set(name, value)
    }
    const text = Buffer.concat(await incoming.toArray()).toString()
    return { status: incoming.statusCode ?? 0, headers: incoming.headers, text } satisfies Page
  }
  const get = (path: string, headers: Record<string, string> = {}): Promise<Page> =>
    send('GET', path, headers)
  const post = (path: string, fields: Record<string, string>): Promise<Page> =>
    send(
      'POST',
      path,
      { origin, 'sec-fetch-site': 'same-origin', 'content-type': formType },
      new URLSearchParams(fields).toString(),
    )

  return {
    cookies,
    get,
    post,
    send,
    /** Fills in the form at `path`; returns where it leads. */
    async signIn(path: string, username = 'ann'): Promise<Page> {
      const { text } = await get(path)
      const hidden = [...text.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)].map(
        ([, name, value = '']) => [name, value.replaceAll('&#38;', '&')],
      )
      return post(loginPath, { ...Object.fromEntries(hidden), username, password })
    },
    /** The status that asking for a WebSocket gets. */
    async upgrade(path: string, headers: Record<string, string> = {}): Promise<number> {
      const outgoing = request(options('GET', path, { ...webSocket, ...headers })).end()
      const answered = Promise.withResolvers<IncomingMessage>()
      outgoing.on('error', answered.reject)
      outgoing.on('response', answered.resolve)
      outgoing.on('upgrade', (incoming, socket) => {
        socket.destroy()
        answered.resolve(incoming)
      })
      const incoming = await answered.promise
      incoming.resume()
      return incoming.statusCode ?? 0
    },
    /** A WebSocket, as bytes. */
    async openSocket(path: string): Promise<Duplex> {
      const outgoing = request(options('GET', path, webSocket)).end()
      const [, socket] = (await once(outgoing, 'upgrade')) as [IncomingMessage, Duplex]
      return socket
    },
  }
}
