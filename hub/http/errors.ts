import type { FastifyRequest } from 'fastify'
import type { Random } from '../../core/random.ts'

interface Failure {
  status: number
  code: string
  message: string
}

/** Each family of endpoints says its errors as Insights Hub does, or as its RFC does. */
export const errorBody =
  (random: Random) =>
  (failure: Failure, request: FastifyRequest): object => {
    const id = random.uuid()
    const { pathname } = new URL(request.url, 'http://hub')
    if (pathname === '/oauth/token') return { error: oauthCode(failure), error_description: failure.message }
    if (/^\/api\/agentmanagement\/v3\/(register|oauth\/token)(\/|$)/.test(pathname))
      return {
        id,
        error: oauthCode(failure),
        error_description: `[${correlationId(request) ?? id.replaceAll('-', '')}] ${failure.message}`,
      }
    if (/^\/api\/mindconnect\/v3\/eventMappings(\/|$)/.test(pathname))
      return {
        errors: [{ code: `mdsp.conn.mindconnect.${failure.code}`, logref: id, message: failure.message }],
      }
    return { id, message: failure.message }
  }

/** RFC 6749 has one name for every malformed request. */
const oauthCode = ({ status, code }: Failure): string =>
  status === 400 && (code === 'invalid' || code.startsWith('fst_')) ? 'invalid_request' : code

/** Agents send one to find a call again in both logs. */
export function correlationId({ headers }: FastifyRequest): string | undefined {
  const id = headers['correlation-id']
  return typeof id === 'string' && /^[\w-]{1,64}$/.test(id) ? id : undefined
}
