import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { adminRoutes } from '../edge-auth/index.ts'
import { type Box, openBox, password } from './advisories/boxed.ts'

/*
 * Every route of the administration, asked by who has each level of its category, and by who has none of
 * them. What is right stands here once more, in words of its own: who may do what is not computed from what
 * it tests.
 */

const levels = ['READ', 'CREATE', 'UPDATE', 'ADMIN'] as const
const right: Record<string, readonly string[]> = {
  read: ['READ'],
  create: ['CREATE', 'ADMIN'],
  update: ['UPDATE', 'ADMIN'],
  delete: ['UPDATE', 'ADMIN'],
  admin: ['ADMIN'],
}

type Route = (typeof adminRoutes)[number]
const needsOf = ({ needs }: Route) => (needs === 'signedIn' ? undefined : needs)
const inUse = [...new Set(adminRoutes.flatMap((route) => needsOf(route)?.category ?? []))]
/** All levels of a category of which no route is asked here. */
const elsewhere = 'Elsewhere'
const nothing = 'Nothing'

let box: Box
const keys = new Map<string, Record<string, string>>()
beforeAll(async () => {
  box = await openBox({ proxied: false })
  const add = async (name: string, permissions: object) => {
    await box.gateway.operate('role.add', { name, permissions })
    await box.gateway.operate('user.add', { name, roles: [name], password })
  }
  for (const category of inUse)
    for (const level of levels) await add(`${category}_${level}`, { [category]: [level] })
  await add(elsewhere, { TokenStore: levels })
  await add(nothing, {})
  await box.gateway.operate('user.add', { name: 'second', roles: ['Applications_CREATE'], password })
})
afterAll(() => box[Symbol.asyncDispose]())

async function signIn(username: string): Promise<Record<string, string>> {
  const answer = await box.askAdmin('/api/v1/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password }),
  })
  const { secret } = JSON.parse(answer.text) as { secret: string }
  const cookie = answer.headers['set-cookie']?.[0]?.split(';')[0] as string
  return { cookie, 'x-edgeward-admin': secret }
}

async function ask(user: string, method: string, path: string, body?: object, headers = {}) {
  const request = async () => {
    const own = keys.get(user) ?? (await signIn(user))
    keys.set(user, own)
    const json = body === undefined ? {} : { 'content-type': 'application/json', body }
    return box.askAdmin(`/api/v1${path}`, {
      method,
      headers: { ...own, ...headers, ...(body && { 'content-type': 'application/json' }) },
      ...(json.body ? { body: JSON.stringify(body) } : {}),
    })
  }
  const answer = await request()
  if (answer.status !== 401) return answer
  keys.delete(user) // a call of before has ended the session
  return request()
}

const call = (user: string, { method, path, example, body }: Route) => {
  const params = { ...example?.params } as Record<string, string>
  const filled = path.replaceAll(/:(\w+)/g, (_, name: string) => params[name] ?? 'example')
  return ask(user, method, filled, body && (example?.body ?? {}))
}

/** Refused for want of a permission, and for nothing else. */
const isForbidden = ({ status, text }: { status: number; text: string }): boolean =>
  status === 403 && (JSON.parse(text) as { code: string }).code === 'forbidden'

describe.each(adminRoutes.map((route) => [`${route.method} ${route.path}`, route] as const))(
  '%s',
  (_name, route) => {
    test('is for who has a level that suffices, and for nobody else', async () => {
      const need = needsOf(route)
      for (const user of [elsewhere, nothing, 'ada']) {
        const answer = await call(user, route)
        expect(isForbidden(answer), `${user}: ${answer.text}`).toBe(need !== undefined && user !== 'ada')
        expect([401, 500], `${user}: ${answer.text}`).not.toContain(answer.status)
      }
      if (!need) return
      for (const level of levels) {
        const decidedByOwner = route.owned && need.act !== 'admin' && level === 'CREATE'
        if (decidedByOwner && !right[need.act]?.includes(level)) continue // asked below, of own and others'
        const answer = await call(`${need.category}_${level}`, route)
        expect(isForbidden(answer), `${level}: ${answer.text}`).toBe(!right[need.act]?.includes(level))
        expect([401, 500], `${level}: ${answer.text}`).not.toContain(answer.status)
      }
    })

    test('asks who calls', async () => {
      const { status } = await box.askAdmin(`/api/v1${route.path.replaceAll(/:\w+/g, 'x')}`, {
        method: route.method,
        ...(route.body ? { headers: { 'content-type': 'application/json' }, body: '{}' } : {}),
      })
      expect(status).toBe(401)
    })
  },
)

describe.each([
  ['Options', 'PUT', '/options/own/x', { value: '1' }, '/options/own/x', 'PUT', { value: '2' }],
  ['Applications', 'POST', '/apps', { name: 'own', version: '1' }, '/apps/own', 'PATCH', { properties: {} }],
  ['Users', 'POST', '/roles', { name: 'own', permissions: {} }, '/roles/own', 'PATCH', { description: 'x' }],
  ['Users', 'POST', '/app-groups', { name: 'own', apps: [] }, '/app-groups/own', 'PATCH', { apps: [] }],
])(
  'what somebody has made by the permission %s, %s %s,',
  (category, method, path, body, one, verb, change) => {
    test('is his to see, change and remove, and nobody else of the same permission does', async () => {
      const maker = `${category}_CREATE`
      const other = `${category}_other`
      await box.gateway.operate('user.add', { name: other, roles: [maker], password }).catch(() => {})
      const made = await ask(maker, method, path, body)
      expect([200, 201], made.text).toContain(made.status)
      for (const [asked, sent] of [
        ['GET', undefined],
        [verb, change],
        ['DELETE', undefined],
      ] as const)
        expect(isForbidden(await ask(other, asked, one, sent)), asked).toBe(true)
      expect((await ask(maker, 'GET', one)).status).toBe(200)
      expect([200, 204]).toContain((await ask(maker, verb, one, change)).status)
      expect((await ask(maker, 'DELETE', one)).status).toBe(204)
      expect(isForbidden(await ask(maker, 'GET', '/options/none/none'))).toBe(true) // not told whether it is there
    })
  },
)

test('who may change and not see gets nothing but the new ETag back', async () => {
  await box.gateway.operate('option.set', { category: 'quiet', key: 'x', value: 'not for everybody' })
  const answer = await ask('Options_UPDATE', 'PUT', '/options/quiet/x', { value: 'new' })
  expect([answer.status, answer.text, answer.headers.etag]).toEqual([204, '', '"2"'])
  const seen = await ask('Options_READ', 'GET', '/options/quiet/x')
  expect([seen.status, seen.headers.etag]).toEqual([200, '"2"'])
})
