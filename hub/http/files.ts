import type { FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { Clock } from '../../core/clock.ts'
import { Invalid, NotFound } from '../../core/errors.ts'
import type { HttpServer } from '../../core/http-server.ts'
import type { HubLimits } from '../limits.ts'
import type { FileMeta, FileName, Uploads } from '../uploads/index.ts'
import type { Guard } from './guard.ts'
import { IfMatch, requireIfMatch } from './preconditions.ts'

const Path = Type.Object({ entityId: Type.String({ minLength: 1, maxLength: 36 }) })
const Query = Type.Object({
  upload: Type.Optional(Type.Enum(['start', 'complete', 'abort'])),
  /** Counted from 1. */
  part: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
})
const Text = Type.Optional(Type.String({ maxLength: 256 }))
const Headers = Type.Object({ ...IfMatch.properties, description: Text, type: Text, timestamp: Text })
const path = '/api/iotfile/v3/files/:entityId/*'

export function fileRoutes(
  server: HttpServer,
  { guard, uploads, clock }: { guard: Guard; uploads: Uploads; clock: Clock },
  { uploadBytes: bodyLimit, fileBytes: maxBytes }: HubLimits,
): void {
  const nameOf = (request: FastifyRequest): FileName => {
    // A schema cannot name the wildcard: the validator takes property names for patterns.
    const { entityId, '*': path } = request.params as { entityId: string; '*': string }
    if (path === '') throw new Invalid('the path of the file is missing')
    return { tenant: guard.callerOf(request).tenant, entityId, path }
  }

  /** The eTag of the file when it is whole; undefined while parts are missing. */
  async function upload(
    { part, upload: step }: Static<typeof Query>,
    name: FileName,
    meta: FileMeta,
    content: Uint8Array,
    eTag: number | undefined,
  ): Promise<number | undefined> {
    const sender = { ...name, agentId: meta.agentId }
    const now = clock.now()
    if (step === 'complete') return uploads.call('completeFile', name, meta, content, { eTag, maxBytes, now })
    if (step !== undefined) await uploads.call('clearParts', sender)
    else if (part !== undefined) await uploads.call('addPart', sender, part, content, maxBytes)
    else return uploads.call('putFile', name, meta, content, eTag, now)
    return undefined
  }

  // In a scope of its own: whatever its content type, here a body is bytes.
  server.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) =>
      done(null, body),
    )
    scope.put(
      path,
      {
        bodyLimit,
        onRequest: guard.tenantOrAgent,
        schema: { params: Path, querystring: Query, headers: Headers },
      },
      async (request, reply) => {
        const { headers, query } = request as {
          headers: Static<typeof Headers>
          query: Static<typeof Query>
        }
        const meta = {
          agentId: guard.callerOf(request).agentId ?? '',
          type: headers.type ?? null,
          description: headers.description ?? null,
          createdAt: headers.timestamp ?? null,
        }
        const eTag = headers['if-match'] === undefined ? undefined : requireIfMatch(headers)
        const stored = await upload(query, nameOf(request), meta, bytesOf(request.body), eTag)
        if (stored === undefined) return reply.status(200).send()
        return reply
          .status(stored === 0 ? 201 : 200)
          .header('etag', String(stored))
          .send()
      },
    )
  })
  server.get(path, { onRequest: guard.tenantOrAgent, schema: { params: Path } }, async (request, reply) => {
    const { agentId } = guard.callerOf(request)
    const file = await uploads.call('file', nameOf(request))
    if (!file || (agentId ?? file.agentId) !== file.agentId) throw new NotFound('Resource not found.')
    // Never the type that the uploader claims: a browser would run its scripts on our origin.
    return reply
      .header('etag', String(file.eTag))
      .type('application/octet-stream')
      .send(Buffer.from(file.content))
  })
}

/** A copy: a slice would carry the memory that it is cut from to the database's thread. */
function bytesOf(body: unknown): Uint8Array {
  if (body === undefined || body === null) return new Uint8Array()
  if (!Buffer.isBuffer(body)) throw new Invalid('the content of a file is expected')
  return new Uint8Array(body)
}
