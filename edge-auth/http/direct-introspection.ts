import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { FirstLook } from '../../core/http-server.ts'
import type { Logger } from '../../core/log.ts'
import { answerForm, type FormEndpoint, jsonType, questionOf, type Reply } from './form-endpoint.ts'
import { formType } from './oauth-form.ts'
import { introspectPaths } from './oauth-paths.ts'
import type { Surface } from './route.ts'

const maxBytes = 65_536

/**
 * Introspection before all routing: apps ask it for every request of theirs. Only the ordinary question is
 * taken here; anything out of the ordinary goes the ordinary way, where the same endpoint answers it.
 */
export function lookForIntrospection(
  endpoint: FormEndpoint,
  { surface, log, count }: { surface: Surface; log: Logger; count(status: number): void },
): FirstLook {
  return (request, response) => {
    if (request.method !== 'POST' || !introspectPaths.includes(request.url as string)) return false
    if (!isOrdinary(request.headers, surface)) return false
    readBody(request, async (body) => {
      const reply = await answerForm(endpoint, questionOf(request, body, surface), log)
      count(reply.status)
      if (!response.destroyed) send(response, reply)
    })
    return true
  }
}

/** A form of known and decent length, as it is, from whom nothing else needs to be known. */
function isOrdinary(headers: IncomingHttpHeaders, { behindProxy }: Surface): boolean {
  const { 'content-type': type, 'content-length': length } = headers
  if (type === undefined || !(Number(length) > 0 && Number(length) <= maxBytes)) return false
  if (type !== formType && !type.startsWith(`${formType};`)) return false
  if (headers['content-encoding'] !== undefined || headers.expect !== undefined) return false
  return behindProxy || !claimsToBeProxied(headers)
}

/** Whether it does, and with what right, is judged with the other routes. */
function claimsToBeProxied(headers: IncomingHttpHeaders): boolean {
  for (const name in headers) if (name.startsWith('x-') || name === 'forwarded') return true
  return false
}

/** The parser holds the body to its length; one that is cut short never comes, and the socket goes. */
function readBody(request: IncomingMessage, then: (body: string) => void): void {
  const chunks: Buffer[] = []
  let missing = Number(request.headers['content-length'])
  request.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    missing -= chunk.length
    if (missing === 0) then((chunks.length === 1 ? chunk : Buffer.concat(chunks)).toString())
  })
}

const always = ['content-type', jsonType, 'cache-control', 'no-store', 'x-content-type-options', 'nosniff']

function send(response: ServerResponse, { status, headers, body }: Reply): void {
  const bytes = Buffer.byteLength(body)
  const said = [...always, 'content-length', String(bytes)]
  if (headers) for (const [name, value] of Object.entries(headers)) said.push(name, value)
  response.writeHead(status, said)
  response.end(body, bytes === body.length ? 'latin1' : 'utf8') // what is plain ASCII is written faster so
}
