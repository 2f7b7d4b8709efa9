import type { RouteOptions } from 'fastify'
import { type HttpServer, Problem } from '../core/http-server.ts'

interface Schemas {
  operationId?: string
  summary?: string
  tags?: string[]
  examples?: object[]
  body?: object
  params?: object
  querystring?: object
  response?: Record<string, object>
}
interface Properties {
  properties?: Record<string, object>
  required?: string[]
}

/** Watches the routes as they come; gives the description of the administration API, OpenAPI 3.1. */
export function describeApi(server: HttpServer, version: string): () => object {
  const paths: Record<string, Record<string, object>> = {}
  server.addHook('onRoute', (route) => {
    if (!route.url.startsWith('/api/') || !('operationId' in (route.schema ?? {}))) return
    for (const method of [route.method].flat()) {
      if (method === 'HEAD') continue
      const path = route.url.replaceAll(/:(\w+)/g, '{$1}')
      paths[path] = { ...paths[path], [method.toLowerCase()]: operation(route) }
    }
  })
  return () => ({
    openapi: '3.1.0',
    info: { title: 'edgeward administration', version },
    paths,
    components: {
      schemas: { Problem },
      responses: { Refused: refused },
      securitySchemes: {
        cookie: { type: 'apiKey', in: 'cookie', name: 'edgeward_admin' },
        secret: { type: 'apiKey', in: 'header', name: 'X-Edgeward-Admin' },
      },
    },
  })
}

function operation({ schema = {}, config }: RouteOptions): object {
  const { operationId, summary, tags, examples, body, params, querystring, response = {} } = schema as Schemas
  const { permission } = (config ?? {}) as { permission?: object }
  const access = typeof config?.access === 'function' ? config.access.name : 'anyone'
  const open = access === 'anyone' || access === 'sameOrigin'
  const parameters = [...parametersOf('path', params), ...parametersOf('query', querystring)]
  return {
    ...{ operationId, summary, tags },
    'x-access': access,
    ...(permission && { 'x-permission': permission }),
    ...(examples && { 'x-example': examples[0] }),
    ...(open ? {} : { security: [{ cookie: [], secret: [] }] }),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: { required: true, content: { 'application/json': { schema: body } } } } : {}),
    responses: Object.fromEntries(
      Object.entries(response).map(([status, content]) => [status.toUpperCase(), answer(status, content)]),
    ),
  }
}

const refused = {
  description: 'Refused; RFC 9457.',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}

function answer(status: string, schema: object): object {
  if (!status.startsWith('2')) return { $ref: '#/components/responses/Refused' }
  const description = 'Done.'
  if ((schema as { type?: string }).type === 'null') return { description }
  return { description, content: { 'application/json': { schema } } }
}

function parametersOf(place: 'path' | 'query', schema: Properties = {}): object[] {
  return Object.entries(schema.properties ?? {}).map(([name, property]) => ({
    name,
    in: place,
    required: schema.required?.includes(name) ?? false,
    schema: property,
  }))
}
