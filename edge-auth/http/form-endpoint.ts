import type { FastifyRequest } from 'fastify'
import { EdgeError, Invalid } from '../../core/errors.ts'
import type { HttpServer } from '../../core/http-server.ts'
import type { Logger } from '../../core/log.ts'
import { InvalidClient } from '../apps/client-errors.ts'
import type { Sender } from '../audit/audit.ts'
import { basicChallenge } from './challenges.ts'
import { formType } from './oauth-form.ts'
import { originOf } from './origin.ts'
import { type Incoming, senderOf } from './request.ts'
import { allowOnly, type Surface } from './route.ts'

/** What came, in whichever way. */
export interface Question {
  authorization: string | undefined
  body: string
  sender(): Sender
  /** Where the asker thinks we are. */
  origin(): string | undefined
}

export interface Reply {
  status: number
  headers?: Readonly<Record<string, string>>
  /** JSON. */
  body: string
}

/** An OAuth endpoint that takes a form. It throws what it refuses; `answerForm` says it. */
export type FormEndpoint = (question: Question) => Promise<Reply>

/** Too often. */
export class RateExceeded extends EdgeError {
  override readonly name = 'RateExceeded'
  readonly code = 'temporarily_unavailable'
  override readonly statusCode = 429
  override readonly retryAfterMs: number

  constructor(retryAfterMs: number) {
    super('too many requests')
    this.retryAfterMs = retryAfterMs
  }
}

export const jsonType = 'application/json; charset=utf-8'

export const json = (body: object, headers: Reply['headers'] = {}): Reply => ({
  status: 200,
  headers,
  body: JSON.stringify(body),
})

/** Never rejects: a refusal in the words of RFC 6749 5.2, a bug in the log and as `server_error`. */
export async function answerForm(endpoint: FormEndpoint, question: Question, log: Logger): Promise<Reply> {
  try {
    return await endpoint(question)
  } catch (error) {
    if (error instanceof EdgeError && error.statusCode < 500) return refusal(error)
    if (!(error instanceof EdgeError)) log.error({ err: error }, 'request failed')
    const body = { error: 'server_error', error_description: 'internal error' }
    return { ...json(body), status: error instanceof EdgeError ? error.statusCode : 500 }
  }
}

function refusal(error: EdgeError): Reply {
  const { code, message, statusCode, retryAfterMs } = error
  const said = error instanceof Invalid ? 'invalid_request' : code
  const headers = {
    ...(error instanceof InvalidClient ? { 'www-authenticate': basicChallenge } : {}),
    ...(retryAfterMs > 0 ? { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) } : {}),
  }
  return { ...json({ error: said, error_description: message }, headers), status: statusCode }
}

/** POST alone, with a form. */
export function serveForm(
  server: HttpServer,
  urls: readonly string[],
  endpoint: FormEndpoint,
  { surface, log }: { surface: Surface; log: Logger },
): void {
  server.removeAllContentTypeParsers()
  server.addContentTypeParser(
    formType,
    { parseAs: 'string' },
    async (_: FastifyRequest, text: string) => text,
  )
  for (const url of urls) {
    allowOnly(server, 'POST', url, true)
    // The endpoint itself says who may ask: what shows that stands in the form.
    server.post<{ Body: string | undefined }>(
      url,
      { config: { access: 'anyone', oauth: true } },
      async (request, reply) => {
        const question = questionOf(request, request.body ?? '', surface)
        const { status, headers = {}, body } = await answerForm(endpoint, question, log)
        return reply.status(status).headers(headers).type(jsonType).send(body)
      },
    )
  }
}

export function questionOf(request: Incoming, body: string, surface: Surface): Question {
  return {
    authorization: request.headers.authorization,
    body,
    sender: () => senderOf(request, surface),
    origin: () => originOf(request, surface),
  }
}
