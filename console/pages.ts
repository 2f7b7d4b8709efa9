import type { FastifyReply, FastifyRequest } from 'fastify'
import { NotFound } from '../core/errors.ts'
import type { HttpServer } from '../core/http-server.ts'
import { type PageFile, pagePolicy, readPages } from './files.ts'

const anyone = { access: 'anyone' as const }

/** The administration in the browser. Whoever asks may have it: it holds nothing, and asks who one is. */
export async function pages(server: HttpServer): Promise<void> {
  const files = new Map(readPages().map((file) => [file.url, file]))
  server.get('/', { config: anyone }, async (request, reply) => send(files.get('/'), request, reply))
  server.get<{ Params: { file: string } }>('/console/:file', { config: anyone }, async (request, reply) =>
    send(files.get(`/console/${request.params.file}`), request, reply),
  )
}

/** A browser asks each time whether it has changed. */
function send(
  file: PageFile | undefined,
  { headers }: Pick<FastifyRequest, 'headers'>,
  reply: FastifyReply,
): FastifyReply {
  if (!file) throw new NotFound('there is no such page')
  const { type, body, etag } = file
  reply.headers({
    ...{ 'content-security-policy': pagePolicy, 'cache-control': 'no-cache', etag },
    ...{ 'cross-origin-opener-policy': 'same-origin', 'referrer-policy': 'no-referrer' },
  })
  const known = headers['if-none-match']?.split(',').map((one) => one.trim().replace(/^W\//, ''))
  if (known?.includes(etag)) return reply.status(304).send()
  return reply.type(type).send(body)
}
