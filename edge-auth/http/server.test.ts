import { expect, test } from 'vitest'
import { createLog } from '../../core/log.ts'
import type { HttpDeps } from './route.ts'
import { createAppsServer } from './server.ts'

test('a route that does not say who may call it stops the start', async () => {
  const deps = { log: createLog('silent'), apps: {}, tokens: {} } as HttpDeps // nothing is asked of them
  const server = createAppsServer(deps, { behindProxy: false, openIntrospection: false })
  expect(() => server.get('/forgotten', async () => 'open to all')).toThrow(/does not say who may call it/)
  await server.ready()
  await server.close()
})
