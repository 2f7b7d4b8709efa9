import Type from 'typebox'
import { NotFound } from '../../core/errors.ts'
import type { HttpServer } from '../../core/http-server.ts'
import type { Random } from '../../core/random.ts'
import type { Asset, Registry } from '../registry/index.ts'
import type { Guard } from './guard.ts'
import { Listing, toHal, toQuery } from './page.ts'

const Creation = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 128 }),
  typeId: Type.String({ minLength: 1, maxLength: 128 }),
  parentId: Type.String({ minLength: 1, maxLength: 36 }),
  description: Type.Optional(Type.String({ maxLength: 2048 })),
})
const Path = Type.Object({ id: Type.String() })
const root = '/api/assetmanagement/v3/assets'

/** As much of asset management as it takes to make an agent. */
export function assetRoutes(
  server: HttpServer,
  { guard, registry, random }: { guard: Guard; registry: Registry; random: Random },
): void {
  const onRequest = guard.tenant
  const freshId = () => random.bytes(16).toString('hex')

  server.post(root, { onRequest, schema: { body: Creation } }, async (request, reply) => {
    const { name, typeId, parentId, description = null } = request.body
    const { tenant } = guard.callerOf(request)
    const asset = { id: freshId(), tenant, parentId, name, typeId, description, eTag: 0 }
    await registry.call('addAsset', asset)
    return reply.status(201).send(toBody(asset))
  })
  server.get(root, { onRequest, schema: { querystring: Listing } }, async (request) => {
    const query = toQuery(guard.callerOf(request), request.query)
    return toHal('assets', query, await registry.call('assetPage', query), toBody)
  })
  server.get(`${root}/root`, { onRequest }, async (request) =>
    toBody(await registry.call('rootAsset', guard.callerOf(request).tenant, freshId())),
  )
  server.get(`${root}/:id`, { onRequest, schema: { params: Path } }, async (request) => {
    const asset = await registry.call('asset', guard.callerOf(request).tenant, request.params.id)
    if (!asset) throw new NotFound('Resource not found.')
    return toBody(asset)
  })
}

const toBody = ({ id, tenant, parentId, name, typeId, description, eTag }: Asset) => ({
  assetId: id,
  tenantId: tenant,
  name,
  typeId,
  ...(parentId === null ? {} : { parentId }),
  ...(description === null ? {} : { description }),
  etag: eTag,
})
