import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Box, openBox } from './boxed.ts'
import { addApp, inactive, revokePath } from './oauth-app.ts'

let box: Box
beforeAll(async () => {
  box = await openBox({ proxied: false })
})
afterAll(() => box[Symbol.asyncDispose]())

test('X4: an app learns nothing of another app’s token, unless it is granted all', async () => {
  const [a, b] = [await addApp(box, 'app-a'), await addApp(box, 'app-b')]
  const token = await b.token()
  expect(await b.introspect(token)).toMatchObject({ active: true, client_id: 'app-b' })
  expect(await a.introspect(token)).toEqual(inactive)
  expect(await box.audit('introspection_refused')).toContainEqual(
    expect.objectContaining({ clientId: 'app-a', reason: 'not_for_this_client' }),
  )
  expect((await a.post(revokePath, { token })).status).toBe(400)
  expect(await b.introspect(token)).toMatchObject({ active: true })

  await box.gateway.operate('app.setGrants', { name: 'app-a', grants: ['introspect:all'] })
  expect(await a.introspect(token)).toMatchObject({ active: true, client_id: 'app-b' })
  await box.gateway.operate('app.remove', { name: 'app-b' })
  expect(await a.introspect(token)).toEqual(inactive)
})
