import type { FastifyReply, FastifyRequest } from 'fastify'
import { Invalid, NotFound } from '../../core/errors.ts'
import type { HttpServer } from '../../core/http-server.ts'
import { PreconditionFailed } from '../kv/errors.ts'
import { holds, type Owner, type WriteMode } from '../kv/token.ts'
import { callingApp } from './app-credentials.ts'
import type { HttpDeps } from './deps.ts'
import {
  describeToken,
  entityTag,
  listPieces,
  sendJson,
  tokenPieces,
  valuesUpTo,
} from './private-token-answer.ts'
import { readTokenBody } from './private-token-body.ts'
import {
  attributesOf,
  checkedName,
  conditionsOf,
  ListQuery,
  namesOf,
  tokenName,
  tokenPath,
  wishOf,
} from './private-token-request.ts'
import { allowOnly } from './route.ts'

/** What an app keeps for itself, by (relatedId, key). Values go in and out as streams. */
export async function privateTokens(server: HttpServer, deps: HttpDeps): Promise<void> {
  const { apps, kv } = deps
  const callers = new WeakMap<FastifyRequest, Owner>()
  const app = async (request: FastifyRequest, reply: FastifyReply) => {
    const { clientId } = await callingApp(deps, request, reply)
    callers.set(request, { clientId, since: apps.find(clientId)?.createdAt as number })
  }
  const ownerOf = (request: FastifyRequest) => callers.get(request) as Owner
  const access = { config: { access: app } }

  server.removeAllContentTypeParsers()
  server.addContentTypeParser('application/json', async (_request: FastifyRequest, body: unknown) => body)

  const list = async (request: FastifyRequest, reply: FastifyReply, relatedId?: string) => {
    const query = request.query as ListQuery
    const wish = wishOf(query)
    const attributes = attributesOf(query)
    const listed = await kv.openList({ owner: ownerOf(request), relatedId, ...wish }, valuesUpTo(attributes))
    return sendJson(reply, listPieces(listed, wish.from, attributes), listed.close)
  }
  const write = async (request: FastifyRequest, reply: FastifyReply, mode: WriteMode) => {
    const path = mode === 'create' ? undefined : nameIn(request)
    const owner = ownerOf(request)
    const conditions = conditionsOf(request)
    if (path) await refuseEarly(kv, owner, path, conditions)
    await using upload = await kv.upload(owner, path)
    const members = await readTokenBody(request, reply, upload, deps, kv)
    for (const what of ['relatedId', 'key'] as const)
      if (path && members[what] !== undefined && members[what] !== path[what])
        throw new Invalid(`${what} of the body is not that of the path`)
    const name = path ?? tokenName(members.relatedId, members.key)
    const { head, isNew } = await upload.commit(name, mode, conditions)
    reply.header('etag', entityTag(head)).status(isNew ? 201 : 200)
    if (isNew) reply.header('location', pathOf(head))
    return describeToken(head)
  }

  allowOnly(server, ['GET', 'POST'], tokenPath)
  allowOnly(server, ['GET', 'PUT', 'DELETE'], `${tokenPath}/*`)
  server.get(tokenPath, { ...access, schema: { querystring: ListQuery } }, (request, reply) =>
    list(request, reply),
  )
  server.post(tokenPath, access, (request, reply) => write(request, reply, 'create'))
  server.put(`${tokenPath}/*`, access, (request, reply) => write(request, reply, 'put'))
  server.get(`${tokenPath}/*`, { ...access, schema: { querystring: ListQuery } }, async (request, reply) => {
    const names = namesOf(request)
    if (names.length === 1) return list(request, reply, checkedName('relatedId', names[0]))
    return read(deps, ownerOf(request), request, reply)
  })
  server.delete(`${tokenPath}/*`, access, async (request, reply) => {
    const { relatedId, key } = nameIn(request)
    const count = await kv.remove(ownerOf(request), relatedId, key, conditionsOf(request))
    if (count === 0) throw notThere()
    return reply.status(204).send()
  })
}

async function read(
  { kv }: HttpDeps,
  owner: Owner,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const name = nameIn(request)
  if (Object.keys(request.query as ListQuery).length > 0)
    throw new Invalid('filter, startIndex, count and attributes are for lists')
  const { ifMatch, ifNoneMatch } = conditionsOf(request)
  const token = await kv.open(owner, name)
  if (!token) throw notThere()
  try {
    const { content } = token.head
    if (!holds({ ifMatch }, content)) throw new PreconditionFailed('the token is not as the request says')
    reply.header('etag', entityTag(token.head))
    if (!holds({ ifNoneMatch }, content)) {
      token.close()
      return reply.status(304).send()
    }
    await token.check()
  } catch (error) {
    token.close()
    throw error
  }
  return sendJson(reply, tokenPieces(token), token.close)
}

/** Nobody is to send 16 MiB for nothing; what counts is asked again with the commit. */
async function refuseEarly(
  kv: HttpDeps['kv'],
  owner: Owner,
  name: ReturnType<typeof nameIn>,
  conditions: ReturnType<typeof conditionsOf>,
): Promise<void> {
  const { ifMatch, ifNoneMatch } = conditions
  if (ifMatch === undefined && ifNoneMatch === undefined) return
  const head = await kv.find(owner, name)
  if (!holds(conditions, head?.content)) throw new PreconditionFailed('the token is not as the request says')
}

function nameIn(request: FastifyRequest) {
  const names = namesOf(request)
  if (names.length !== 2) throw notThere()
  return tokenName(names[0], names[1])
}

const notThere = () => new NotFound('there is no such token')

const pathOf = ({ relatedId, key }: { relatedId: string; key: string }) =>
  `${tokenPath}/${encodeURIComponent(relatedId)}/${encodeURIComponent(key)}`
