import { afterAll, beforeAll, expect, test } from 'vitest'
import { loginPath } from '../edge-auth.ts'
import { type Box, directLogin, openBox, password, verifyPath } from './boxed.ts'
import { addApp, basic, formHeader, inParallel, tokenPath } from './oauth-app.ts'

/*
 * X20: a user is who has exactly that name. What looks the same, or becomes the same when somebody folds,
 * trims or normalises it, is another or nobody; and no claim that a request brings makes a user or joins two.
 */

const mail = 'jose@plant.example'
let box: Box
beforeAll(async () => {
  // Every name here fails, all from one address: they must fail by themselves.
  box = await openBox({ proxied: false, env: { EDGEWARD_AUTH_LOGIN_ATTEMPTS: '10000' } })
  await box.gateway.operate('user.add', { name: mail, roles: ['Operator'], password })
})
afterAll(() => box[Symbol.asyncDispose]())

const lookalikes = [
  ...[
    'Ann',
    'ANN',
    'aNn',
    ' ann',
    'ann ',
    'ann\t',
    'ann\n',
    'ann\0',
    'ann.',
    '.ann',
    'ann@',
    '@ann',
    'ann%20',
  ],
  ...[
    '\u0430nn',
    'a\u0578\u0578',
    '\uff41nn',
    'ann\u200b',
    '\ufeffann',
    '\u202eann',
    'a\u0301nn',
    '\u00e1nn',
    'ann\u00ad',
  ],
  ...[
    'Jose@plant.example',
    'jose@Plant.Example',
    `${mail}.`,
    ` ${mail}`,
    `${mail} `,
    `${mail}\0@evil.example`,
  ],
  ...[
    'jose+x@plant.example',
    `${mail}@evil.example`,
    `jose@evil.example@plant.example`,
    `"jose"@plant.example`,
  ],
  ...[
    'jos\u00e9@plant.example',
    'jose\u0301@plant.example',
    'jose\uff20plant.example',
    'jose@pl\u0430nt.example',
  ],
  ...[`<${mail}>`, `${mail},ann`, `ann,${mail}`, `jose(x)@plant.example`, 'jose@plant.example%00', 'jose'],
]

const json = (body: object) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})
let formToken: string
const byPage = (username: string) =>
  box.ask(loginPath, {
    method: 'POST',
    headers: { ...formHeader, cookie: `edgeward_login=${formToken}` },
    body: new URLSearchParams({ form_token: formToken, username, password }).toString(),
  })
const ways: ((username: string) => ReturnType<Box['ask']>)[] = [
  byPage,
  (username) => box.ask(directLogin, json({ username, password })),
  (username) => box.askAdmin('/api/v1/session', json({ username, password })),
]
const sessions = async () =>
  (await box.gateway.operate<{ id: string; user: string }[]>('session.list')).map(({ id, user }) => ({
    id,
    user,
  }))
const names = async () => (await box.gateway.operate<{ name: string }[]>('user.list')).map(({ name }) => name)

test('X20: a name that only looks like a user’s signs nobody in, on no way', async () => {
  formToken = /name="form_token" value="([^"]*)"/.exec((await box.ask(loginPath)).text)?.[1] as string
  const asked = lookalikes.flatMap((name) => ways.map((way) => ({ name, way })))
  await inParallel(asked, 3, async ({ name, way }) => {
    expect([name, (await way(name)).status]).toEqual([name, 401])
  })
  expect(await sessions()).toEqual([])
  for (const [index, way] of ways.entries()) {
    const answer = await way(index === 1 ? mail : 'ann')
    expect([200, 201, 303]).toContain(answer.status)
  }
  expect((await sessions()).map(({ user }) => user).sort()).toEqual(['ann', 'ann', mail])
  await box.gateway.operate('session.end', { all: true })
})

test('X20: a name that is hard to tell from another can have no user', async () => {
  const plain = /^[A-Za-z0-9._@-]{1,128}$/
  for (const name of lookalikes.filter((text) => !plain.test(text)))
    await expect(
      box.gateway.operate('user.add', { name, roles: ['Viewer'], password }),
      name,
    ).rejects.toMatchObject({ code: 'invalid' })
})

const identityOf = async (token: string) => {
  const headers = { cookie: `access_token=${token}`, 'x-original-uri': '/', 'x-original-method': 'GET' }
  const answer = await box.askAsProxy(verifyPath, { headers })
  return [answer.status, answer.headers['x-auth-user'], answer.headers['x-auth-roles']]
}

test('X20: who has a name in another case is another, in passwords, sessions and rights', async () => {
  await box.gateway.operate('user.add', { name: 'Ada', roles: ['Viewer'], password: 'another password' })
  expect((await box.ask(directLogin, json({ username: 'ada', password: 'another password' }))).status).toBe(
    401,
  )
  expect((await box.ask(directLogin, json({ username: 'Ada', password }))).status).toBe(401)
  const { text } = await box.ask(directLogin, json({ username: 'Ada', password: 'another password' }))
  const other = JSON.parse(text).access_token as string
  const ada = await box.token('ada')
  expect(await identityOf(other)).toEqual([200, 'Ada', 'Viewer'])
  expect(await identityOf(ada)).toEqual([200, 'ada', 'Admin'])
  await box.gateway.operate('session.end', { user: 'Ada' })
  await box.gateway.operate('user.remove', { name: 'Ada' })
  expect(await identityOf(other)).toEqual([401, undefined, undefined])
  expect(await identityOf(ada)).toEqual([200, 'ada', 'Admin'])
})

test('X20: an app that is called as a user is, or says so, is not that user', async () => {
  const twin = await addApp(box, 'ada')
  const token = await twin.token()
  expect(await twin.introspect(token)).toMatchObject({ active: true, sub: 'ada' })
  expect(await identityOf(token)).toEqual([401, undefined, undefined])
  const before = await sessions()
  for (const headers of [
    { authorization: basic('ada', twin.secret) },
    { authorization: `Bearer ${token}` },
    { cookie: `edgeward_admin=${token}`, 'x-edgeward-admin': token },
  ])
    expect((await box.askAdmin('/api/v1/sessions', { headers })).status).toBe(401)
  expect((await box.ask(directLogin, json({ username: 'ada', password: twin.secret }))).status).toBe(401)
  expect(await sessions()).toEqual(before)
})

test('X20: claims in a request make no user and join none to another', async () => {
  const known = await names()
  const claims = {
    ...{
      sub: 'ada',
      email: mail,
      email_verified: true,
      preferred_username: 'ada',
      iss: 'https://idp.example',
    },
    ...{ link: 'ada', user: 'ada', name: 'ada', user_id: 'ada', create: true, roles: ['Admin'] },
  }
  const idToken = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`
  const all = { ...claims, id_token: idToken, assertion: idToken, access_token: idToken }
  const { text } = await box.ask(directLogin, json({ username: 'vic', password, ...all }))
  expect(await identityOf(JSON.parse(text).access_token)).toEqual([200, 'vic', 'Viewer'])
  for (const username of ['newcomer', 'newcomer@plant.example'])
    expect((await box.ask(directLogin, json({ username, password, ...all }))).status).toBe(401)
  for (const grant_type of [
    'urn:ietf:params:oauth:grant-type:jwt-bearer',
    'urn:ietf:params:oauth:grant-type:token-exchange',
    'authorization_code',
    'password',
  ]) {
    const fields = {
      grant_type,
      username: 'ada',
      password,
      assertion: idToken,
      subject_token: idToken,
      code: idToken,
    }
    const body = new URLSearchParams(fields).toString()
    const headers = {
      ...formHeader,
      authorization: (await addApp(box, `by-${grant_type.length}`)).authorization,
    }
    const answer = await box.ask(tokenPath, { method: 'POST', headers, body })
    expect([answer.status, JSON.parse(answer.text).error]).toEqual([400, 'unsupported_grant_type'])
  }
  expect(await identityOf(idToken)).toEqual([401, undefined, undefined])
  expect(await names()).toEqual(known)
})
