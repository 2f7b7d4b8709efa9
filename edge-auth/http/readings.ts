import type { FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { EdgeError, Invalid } from '../../core/errors.ts'
import type { HttpServer } from '../../core/http-server.ts'
import { parseExact } from '../../core/json.ts'
import { rightsOf, writeTimeSeries } from '../apps/access.ts'
import type { Measurements } from '../measurements.ts'
import type { App } from '../store/index.ts'
import { type CallingApp, callingApp } from './app-credentials.ts'
import type { HttpDeps } from './deps.ts'
import { allowOnly } from './route.ts'

const Message = Type.Object(
  { topic: Type.String({ minLength: 1, maxLength: 65_535 }), payload: Type.Unknown() },
  { additionalProperties: false, required: ['topic', 'payload'] },
)
type Message = Static<typeof Message>

const ReadingsRequest = Type.Union([Message, Type.Array(Message, { minItems: 1, maxItems: 1_000 })])

const path = '/api/v1/readings'
const maxBodyBytes = 256 * 1024
/** While the disk stalls, the apps may have this much waiting for it. */
const maxWaitingBytes = 8 * 1024 * 1024

/** For apps without MQTT. 200 says of every message what a PUBACK says of one; anything else, of none. */
export async function readings(server: HttpServer, deps: HttpDeps): Promise<void> {
  const { measurements } = deps
  const callers = new WeakMap<FastifyRequest, CallingApp>()
  const app = async (request: FastifyRequest, reply: FastifyReply) => {
    callers.set(request, await callingApp(deps, request, reply))
  }
  let waitingBytes = 0

  server.removeAllContentTypeParsers()
  server.addContentTypeParser(
    'application/json',
    { parseAs: 'string' },
    async (_request: FastifyRequest, text: string) => parseBody(text),
  )
  allowOnly(server, 'POST', path)
  server.post(
    path,
    { config: { access: app }, bodyLimit: maxBodyBytes, schema: { body: ReadingsRequest } },
    async (request) => {
      const messages = [request.body].flat() as Message[]
      const { clientId, scope } = callers.get(request) as CallingApp
      refuseReadOnly(deps.apps.find(clientId), scope)
      refuseForeign(messages, clientId, measurements)
      refuseUnbound(messages, measurements)
      const bytes = Number(request.headers['content-length'] ?? maxBodyBytes)
      if (waitingBytes + bytes > maxWaitingBytes) throw new NotKept('too much waits for the disk')
      waitingBytes += bytes
      try {
        await keep(messages, measurements)
      } finally {
        waitingBytes -= bytes
      }
      return { accepted: messages.length }
    },
  )
}

function parseBody(text: string): unknown {
  try {
    return parseExact(text)
  } catch (cause) {
    throw new Invalid(`the body is not JSON: ${(cause as Error).message}`, { cause })
  }
}

function refuseReadOnly(app: App | undefined, scope: readonly string[] | undefined): void {
  const mayWrite = rightsOf(app)?.writesTimeSeries && (scope?.includes(writeTimeSeries) ?? true)
  if (!mayWrite) throw new MayNotWrite(`the app or its token lacks ${writeTimeSeries}`)
}

function refuseForeign(messages: readonly Message[], clientId: string, { mayPublish }: Measurements): void {
  const foreign = describe(messages, ({ topic }) => !mayPublish(clientId, topic))
  if (foreign !== undefined) throw new ForeignTopic(`not a topic of the app ${clientId}: ${foreign}`)
}

function refuseUnbound(messages: readonly Message[], { isBound }: Measurements): void {
  const unbound = describe(messages, ({ topic }) => !isBound(topic))
  if (unbound !== undefined) throw new TopicNotBound(`no data point is bound to ${unbound}`)
}

const shownFaults = 10

/** `[2] "apps/press/temp", [5] …` with the index of each message at fault; undefined without any. */
function describe(messages: readonly Message[], isFault: (message: Message) => boolean): string | undefined {
  const faults = messages.flatMap((message, index) =>
    isFault(message) ? [`[${index}] ${JSON.stringify(message.topic.slice(0, 256))}`] : [],
  )
  if (faults.length === 0) return undefined
  const more = faults.length > shownFaults ? ` and ${faults.length - shownFaults} more` : ''
  return `${faults.slice(0, shownFaults).join(', ')}${more}`
}

async function keep(messages: readonly Message[], { take }: Measurements): Promise<void> {
  const taken = await Promise.allSettled(messages.map(({ topic, payload }) => take(topic, payload)))
  const refused = taken.find((outcome) => outcome.status === 'rejected')
  if (!refused) return
  const { reason } = refused
  throw new NotKept(reason instanceof EdgeError ? reason.message : 'the outbox failed', { cause: reason })
}

class ForeignTopic extends EdgeError {
  override readonly name = 'ForeignTopic'
  readonly code = 'foreign_topic'
  override readonly statusCode = 403
}

class MayNotWrite extends EdgeError {
  override readonly name = 'MayNotWrite'
  readonly code = 'insufficient_scope'
  override readonly statusCode = 403
}

class TopicNotBound extends EdgeError {
  override readonly name = 'TopicNotBound'
  readonly code = 'topic_not_bound'
  override readonly statusCode = 422
}

/** None of the messages is promised to be kept: all are to be sent again. */
class NotKept extends EdgeError {
  override readonly name = 'NotKept'
  readonly code = 'readings_not_kept'
  override readonly statusCode = 503
  override readonly retryable = true
}
