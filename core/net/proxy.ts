import { once } from 'node:events'
import { request } from 'node:http'
import type { Socket } from 'node:net'
import { originOf, portOf } from './address.ts'
import { Unreachable } from './unreachable.ts'

export interface HttpProxy {
  /** http: or https:, without credentials. */
  url: URL
  /** `user:password` */
  credentials: string | undefined
}

/** Asks the proxy at the other end of `socket` for a connection to `target`. Throws `Unreachable`. */
export async function tunnel(
  socket: Socket,
  target: URL,
  { url, credentials }: HttpProxy,
  signal: AbortSignal,
): Promise<Socket> {
  const authority = `${target.hostname}:${portOf(target)}`
  const headers: Record<string, string> = { host: authority }
  if (credentials !== undefined)
    headers['proxy-authorization'] = `Basic ${Buffer.from(credentials).toString('base64')}`
  const asked = request({
    method: 'CONNECT',
    path: authority,
    headers,
    createConnection: () => socket,
  })
  asked.on('error', () => {}) // when we hang up
  asked.end()
  try {
    const [answer, , head] = await once(asked, 'connect', { signal })
    if (answer.statusCode !== 200) throw refusal(target, url, answer.statusCode, credentials !== undefined)
    if (head.length > 0) socket.unshift(head)
    return socket
  } catch (error) {
    socket.destroy()
    if (signal.aborted || error instanceof Unreachable) throw error
    const said = `${url.origin} gave no answer that a proxy gives: ${(error as Error).message}`
    throw new Unreachable(originOf(target), 'proxy', said, { cause: error })
  }
}

function refusal(target: URL, proxy: URL, status: number, hasCredentials: boolean): Unreachable {
  const fail = (reason: string, cure: string) =>
    new Unreachable(originOf(target), 'proxy', `${proxy.origin} ${reason} (status ${status})`, { cure })
  if (status === 407 || status === 401)
    // tinyproxy says 401 for a wrong password
    return hasCredentials
      ? fail('refused our credentials', 'Check the user name and password in proxy.credentials_file.')
      : fail('wants credentials', 'Put user:password into a file and name it in proxy.credentials_file.')
  if (status >= 500)
    return fail('could not connect', `Check that the proxy can resolve and reach ${target.host}.`)
  return fail('does not allow this target', `Have ${target.host} allowed at the proxy.`)
}
