import type { RouteOptions } from 'fastify'
import type { HttpServer } from '../core/http-server.ts'

type Schemas = { body?: object; params?: object; querystring?: object; response?: Record<string, object> }
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
      securitySchemes: {
        cookie: { type: 'apiKey', in: 'cookie', name: 'edgeward_admin' },
        secret: { type: 'apiKey', in: 'header', name: 'X-Edgeward-Admin' },
      },
    },
  })
}

function operation({ schema = {}, config }: RouteOptions): object {
  const { body, params, querystring, response = {} } = schema as Schemas
  const access = typeof config?.access === 'function' ? config.access.name : 'anyone'
  const open = access === 'anyone' || access === 'sameOrigin'
  const parameters = [...parametersOf('path', params), ...parametersOf('query', querystring)]
  return {
    operationId: (schema as { operationId: string }).operationId,
    'x-access': access,
    ...(open ? {} : { security: [{ cookie: [], secret: [] }] }),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: { required: true, content: { 'application/json': { schema: body } } } } : {}),
    responses: Object.fromEntries(
      Object.entries(response).map(([status, content]) => [status.toUpperCase(), answer(status, content)]),
    ),
  }
}

function answer(status: string, schema: object): object {
  const description = status.startsWith('2') ? 'Done.' : 'Refused; RFC 9457.'
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
