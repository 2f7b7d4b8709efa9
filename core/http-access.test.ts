import { afterEach, beforeEach, expect, test } from 'vitest'
import { Invalid } from './errors.ts'
import { requireAccess } from './http-access.ts'
import { createHttpServer, type HttpServer } from './http-server.ts'
import { createLog } from './log.ts'

let server: HttpServer
beforeEach(() => {
  server = createHttpServer({ log: createLog('silent') })
  requireAccess(server)
})
afterEach(() => server.close())

test('a route that does not say who may call it stops the start', async () => {
  expect(() => server.get('/forgotten', async () => 'open to all')).toThrow(/does not say who may call it/)
  await server.register(async (scope) => {
    expect(() => scope.post('/inner', async () => 'open to all')).toThrow(/POST \/inner does not say/)
  })
})

test('who decides is asked before the handler, and named in the table', async () => {
  const access = async function nobody() {
    throw new Invalid('not you')
  }
  server.get('/closed', { config: { access } }, async () => 'let in')
  server.route({
    method: ['POST', 'PUT'],
    url: '/open',
    config: { access: 'anyone' },
    handler: async () => 'in',
  })
  await server.ready()
  expect((await server.inject('/closed')).statusCode).toBe(400)
  expect((await server.inject({ method: 'HEAD', url: '/closed' })).statusCode).toBe(400)
  expect((await server.inject({ method: 'PUT', url: '/open' })).body).toBe('in')
  expect(server.routePolicies).toEqual(
    expect.arrayContaining([
      { method: 'GET', url: '/closed', access: 'nobody' },
      { method: 'HEAD', url: '/closed', access: 'nobody' },
      { method: 'POST', url: '/open', access: 'anyone' },
      { method: 'PUT', url: '/open', access: 'anyone' },
    ]),
  )
})
