import { afterAll, beforeAll, expect, test } from 'vitest'
import { startEdgeAuth } from '../../test/edge-auth.ts'

let edge: Awaited<ReturnType<typeof startEdgeAuth>>
beforeAll(async () => {
  edge = await startEdgeAuth()
})
afterAll(() => edge[Symbol.asyncDispose]())

const add = async (name: string, version: string) =>
  (await edge.run('app.add', { name, version })) as { client_id: string; client_secret: string }

test('each version of an app has its own secret for the one client id', async () => {
  const [one, two] = [await add('press', '1.0'), await add('press', '2.0')]
  expect(one.client_id).toBe('press')
  expect(two.client_id).toBe('press')
  expect(await edge.auth.authenticateApp('press', one.client_secret)).toBe(true)
  expect(await edge.auth.authenticateApp('press', two.client_secret)).toBe(true)
  expect(await edge.auth.authenticateApp('press', '')).toBe(false)
  expect(await edge.auth.authenticateApp('other', one.client_secret)).toBe(false)
  await expect(add('press', '2.0')).rejects.toMatchObject({ code: 'conflict' })
  expect(await edge.run('app.list')).toEqual([
    {
      client_id: 'press',
      grants: [],
      versions: [
        { version: '1.0', createdAt: expect.any(Number), credential: 'secret' },
        { version: '2.0', createdAt: expect.any(Number), credential: 'secret' },
      ],
    },
  ])
})

test('a rotated or removed secret is void at once, listeners are told, and a restart keeps it so', async () => {
  const told: string[] = []
  edge.auth.onAppChange((clientId) => told.push(clientId))
  const { client_secret: old } = await add('oven', '1')
  const rotated = (await edge.run('app.rotateSecret', { name: 'oven' })) as { client_secret: string }
  expect(await edge.auth.authenticateApp('oven', old)).toBe(false)
  expect(await edge.auth.authenticateApp('oven', rotated.client_secret)).toBe(true)

  const { client_secret: second } = await add('oven', '2')
  await expect(edge.run('app.rotateSecret', { name: 'oven' })).rejects.toMatchObject({ code: 'invalid' })
  await edge.run('app.remove', { name: 'oven', version: '1' })
  expect(await edge.auth.authenticateApp('oven', rotated.client_secret)).toBe(false)
  expect(told).toEqual(['oven', 'oven'])

  await edge.restart()
  expect(await edge.auth.authenticateApp('oven', rotated.client_secret)).toBe(false)
  expect(await edge.auth.authenticateApp('oven', second)).toBe(true)
  await edge.run('app.remove', { name: 'oven' })
  expect(await edge.auth.authenticateApp('oven', second)).toBe(false)
  expect(JSON.stringify(await edge.run('app.list'))).not.toContain('oven')
})

test.each([
  ['app.add', { name: 'a/b', version: '1' }, 'invalid'],
  ['app.add', { name: 'press', version: '' }, 'invalid'],
  ['app.rotateSecret', { name: 'nobody' }, 'not_found'],
  ['app.remove', { name: 'nobody' }, 'not_found'],
  ['app.remove', { name: 'press', version: '9' }, 'not_found'],
  ['app.add', { name: 'authsdk', version: '1' }, 'conflict'],
  ['app.setGrants', { name: 'press', grants: ['everything'] }, 'invalid'],
  ['app.setGrants', { name: 'nobody', grants: [] }, 'not_found'],
  ['app.add', { name: 'new', version: '1', jwks: { keys: [] } }, 'invalid'],
  ['app.add', { name: 'new', version: '1', jwks: { kty: 'oct', k: 'c2VjcmV0' } }, 'invalid'],
  ['app.add', { name: 'new', version: '1', jwks: { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' } }, 'invalid'],
])('%s %j is refused: %s', async (operation, params, code) => {
  await expect(edge.run(operation, params)).rejects.toMatchObject({ code })
})
