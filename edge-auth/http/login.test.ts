import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, type Ask, loginPath, password, startEdgeAuth } from '../../test/edge-auth.ts'

type Edge = Awaited<ReturnType<typeof startEdgeAuth>>
let edge: Edge
beforeAll(async () => {
  edge = await startEdgeAuth()
  await edge.addUser('ann', 'Admin')
})
afterAll(() => edge[Symbol.asyncDispose]())

function hiddenFields({ text }: Answer): Record<string, string> {
  const fields = [...text.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)]
  const read = (value = '') => value.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
  return Object.fromEntries(fields.map(([, name, value]) => [name, read(value)]))
}

/** Opens the page, as a browser does, and returns what its form would send. */
async function openForm(at: Edge, query = '') {
  const page = await at.ask(`${loginPath}${query}`)
  const hidden = hiddenFields(page)
  return { page, hidden, cookie: page.cookie('edgeward_login') as string }
}

async function submit(
  at: Edge,
  fields: Record<string, string>,
  { query = '', headers = {} as Ask['headers'] } = {},
) {
  const { hidden, cookie } = await openForm(at, query)
  const body = new URLSearchParams({ ...hidden, ...fields })
  return at.ask(loginPath, { method: 'POST', headers: { cookie, ...headers }, body })
}

const good = { username: 'ann', password }

test('signing in sets the cookie for every app and leads back to where one came from', async () => {
  const answer = await submit(edge, good, { query: '?rd=%2Fpress%2F%3Ftab%3D2%26x%3D1' })
  expect(answer.status).toBe(303)
  expect(answer.headers.location).toBe('/press/?tab=2&x=1')
  const [cookie] = answer.headers['set-cookie'] as string[]
  const [value, ...attributes] = (cookie as string).split('; ')
  expect(attributes.sort()).toEqual(['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure'])
  expect(await edge.introspect((value as string).slice('access_token='.length))).toMatchObject({
    active: true,
  })
})

test('a way back to another site is forgotten', async () => {
  const answer = await submit(edge, { ...good, rd: '//e.example' })
  expect(answer.headers.location).toBe(loginPath)
  expect((await openForm(edge, '?rd=//e.example')).hidden).not.toHaveProperty('rd')
})

test('who is signed in is shown, or sent on to where they wanted to go', async () => {
  const cookie = (await submit(edge, good)).cookie('access_token') as string
  const page = await edge.ask(loginPath, { headers: { cookie } })
  expect(page.text).toContain('Signed in as <span class="name">ann</span>')
  const onward = await edge.ask(`${loginPath}?rd=%2Fpress%2F`, { headers: { cookie } })
  expect([onward.status, onward.headers.location]).toEqual([303, '/press/'])
})

test('a refusal does not tell whether it was the name or the password', async () => {
  await edge.addUser('gone', 'Viewer')
  await edge.run('user.disable', { name: 'gone' })
  const texts = []
  for (const fields of [
    { username: 'ann', password: 'wrong password' },
    { username: 'nobody', password },
    { username: 'gone', password },
  ]) {
    const answer = await submit(edge, fields)
    expect(answer.status).toBe(401)
    expect(answer.cookie('access_token')).toBeUndefined()
    texts.push(answer.text.replace(/value="[^"]*"/g, ''))
  }
  expect(new Set(texts).size).toBe(1)
  expect(texts[0]).toContain('User name or password is wrong.')
})

test('what was typed comes back as text, never as markup', async () => {
  const answer = await submit(edge, { username: '"><script>x</script>', password: 'wrong password' })
  expect(answer.text).not.toContain('<script>')
})

test('the page is safe from other pages and speaks German to those who do', async () => {
  const page = await edge.ask(loginPath, { headers: { 'accept-language': 'fr, de-CH;q=0.9, en;q=0.8' } })
  expect(page.text).toContain('<html lang="de">')
  expect(page.text).toContain('Benutzername')
  expect(page.headers['content-security-policy']).toContain("default-src 'none'")
  expect(page.headers['content-security-policy']).toContain("frame-ancestors 'none'")
  expect(page.headers['cache-control']).toBe('no-store')
})

describe('a form that another site sends does not sign in:', () => {
  test.each<[string, Ask['headers']]>([
    ['Sec-Fetch-Site', { 'sec-fetch-site': 'cross-site' }],
    ['a sibling host', { 'sec-fetch-site': 'same-site' }],
    ['Origin', { origin: 'https://e.example' }],
    ['opaque origin', { origin: 'null' }],
    ['without our cookie', { cookie: '' }],
    ['with a cookie of its own', { cookie: 'edgeward_login=x' }],
  ])('%s', async (_name, headers) => {
    const answer = await submit(edge, good, { headers })
    expect(answer.status).toBe(403)
    expect(answer.cookie('access_token')).toBeUndefined()
  })

  test('behind the proxy the origin is the one that the browser sees', async () => {
    const { hidden, cookie } = await openForm(edge)
    const send = (origin: string) =>
      edge.ask(loginPath, {
        via: 'proxy',
        method: 'POST',
        headers: {
          cookie,
          origin,
          host: 'edgeward',
          'x-forwarded-host': '10.0.0.7:8443',
          'x-forwarded-proto': 'https',
        },
        body: new URLSearchParams({ ...hidden, ...good }),
      })
    expect((await send('https://10.0.0.7:8443')).status).toBe(303)
    expect((await send('http://10.0.0.7:8443')).status).toBe(403)
    expect((await send('https://edgeward')).status).toBe(403)
  })
})

test('two tabs can both sign in', async () => {
  const first = await openForm(edge, '?rd=%2Fa')
  const second = await edge.ask(`${loginPath}?rd=%2Fb`, { headers: { cookie: first.cookie } })
  expect(second.cookie('edgeward_login')).toBe(first.cookie)
})

test('signing out ends the session before it answers, with a page for people', async () => {
  for (const [headers, status] of [
    [{ accept: 'text/html' }, 303],
    [{ accept: 'application/json' }, 204],
  ] as const) {
    const cookie = (await submit(edge, good)).cookie('access_token') as string
    const logout = { method: 'POST', headers: { cookie, ...headers } }
    const elsewhere = { ...logout, headers: { ...logout.headers, origin: 'https://e.example' } }
    expect((await edge.ask('/device/edge/auth/logout', elsewhere)).status).toBe(403)
    expect(await edge.introspect(cookie.split('=')[1] as string)).toMatchObject({ active: true })

    const answer = await edge.ask('/device/edge/auth/logout', logout)
    expect(answer.status).toBe(status)
    expect(answer.cookie('access_token')).toBe('access_token=')
    expect(await edge.introspect(cookie.split('=')[1] as string)).toEqual({ active: false })
  }
  expect((await edge.ask('/device/edge/auth/logout')).status).toBe(405)
})

describe('scripts', () => {
  const direct = (body: object) => edge.ask('/device/edge/api/v1/login/direct', { method: 'POST', body })

  test('get a token in the body', async () => {
    const answer = await direct(good)
    expect(answer.status).toBe(200)
    expect(answer.json()).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 3600,
    })
  })
  test('are refused alike for every cause', async () => {
    const answers = [await direct({ ...good, password: 'x' }), await direct({ ...good, username: 'nobody' })]
    expect(answers.map(({ status }) => status)).toEqual([401, 401])
    expect(answers[0]?.text).toBe(answers[1]?.text)
  })
  test('cannot make the box hash a huge password', async () => {
    expect((await direct({ ...good, password: 'x'.repeat(1025) })).status).toBe(400)
  })
  test('are told what is missing', async () => {
    expect((await direct({ username: 'ann' })).status).toBe(400)
  })
  test('are told to come back when too many passwords wait', async () => {
    const throttle = { attempts: 1000, windowMs: 900_000, blockMs: 900_000 }
    await using patient = await startEdgeAuth({ throttle })
    const attempt = () =>
      patient.ask('/device/edge/api/v1/login/direct', { method: 'POST', body: { ...good, password: 'x' } })
    const answers = await Promise.all(Array.from({ length: 120 }, attempt))
    const busy = answers.filter(({ status }) => status === 503)
    expect(busy.length).toBeGreaterThan(0)
    expect(busy[0]?.headers['retry-after']).toBe('2')
    expect(answers.filter(({ status }) => status === 401).length).toBeGreaterThan(32)
  })
})

describe('who must choose a new password', () => {
  const mustChange = { name: 'eve', roles: ['Viewer'], password, mustChange: true }
  const change = (
    fields: Record<string, string>,
    page: Answer,
    cookie: string,
    headers: Ask['headers'] = {},
  ) =>
    edge.ask(`${loginPath}/new-password`, {
      method: 'POST',
      headers: { cookie, ...headers },
      body: new URLSearchParams({ ...hiddenFields(page), ...fields }),
    })

  test('does so in the same flow, once, and is led to where he wanted to go', async () => {
    await edge.run('user.add', mustChange)
    const { hidden, cookie } = await openForm(edge, '?rd=%2Fpress%2F')
    const body = new URLSearchParams({ ...hidden, username: 'eve', password })
    const page = await edge.ask(loginPath, { method: 'POST', headers: { cookie }, body })
    expect(page.status).toBe(200)
    expect(page.cookie('access_token')).toBeUndefined()
    expect(page.text).toContain('Choose a new one')
    expect(await edge.run('session.list', { user: 'eve' })).toEqual([])

    const fresh = 'another good password'
    for (const [fields, status, said] of [
      [{ password: fresh, repeated: 'another' }, 400, 'passwords differ'],
      [{ password: 'short', repeated: 'short' }, 400, 'too short'],
      [{ password, repeated: password }, 400, 'must differ from the old'],
    ] as const) {
      const again = await change(fields, page, cookie)
      expect([again.status, again.text]).toEqual([status, expect.stringContaining(said)])
      expect(again.text).toContain('name="repeated"')
    }
    const chosen = { password: fresh, repeated: fresh }
    expect((await change(chosen, page, cookie, { origin: 'https://e.example' })).status).toBe(403)
    expect((await change(chosen, page, 'edgeward_login=x')).status).toBe(403)

    const done = await change(chosen, page, cookie)
    expect([done.status, done.headers.location]).toEqual([303, '/press/'])
    const token = done.cookie('access_token')?.split('=')[1] as string
    expect(await edge.introspect(token)).toMatchObject({ active: true, sub: 'eve' })
    expect((await change(chosen, page, cookie)).status).toBe(403)
    await edge.run('user.remove', { name: 'eve' })
  })

  test('cannot with a ticket from before somebody else changed the user', async () => {
    await edge.run('user.add', mustChange)
    const { hidden, cookie } = await openForm(edge)
    const body = new URLSearchParams({ ...hidden, username: 'eve', password })
    const page = await edge.ask(loginPath, { method: 'POST', headers: { cookie }, body })
    await edge.run('user.disable', { name: 'eve' })
    const fresh = 'another good password'
    expect((await change({ password: fresh, repeated: fresh }, page, cookie)).status).toBe(403)
    await edge.run('user.remove', { name: 'eve' })
  })

  test('is told so as a script', async () => {
    await edge.run('user.add', mustChange)
    const body = { username: 'eve', password }
    const answer = await edge.ask('/device/edge/api/v1/login/direct', { method: 'POST', body })
    expect(answer.status).toBe(403)
    expect(answer.json()).toMatchObject({ code: 'password_expired' })
    await edge.run('user.remove', { name: 'eve' })
  })

  test('is everybody whose password is older than it may be', async () => {
    const passwords = { minLength: 8, strong: false, validityMs: 86_400_000 }
    await using strict = await startEdgeAuth({ passwords })
    await strict.addUser('ann', 'Admin')
    expect((await submit(strict, good)).status).toBe(303)
    strict.passTime(86_400_000)
    expect((await submit(strict, good)).status).toBe(200)
    await strict.run('user.passwd', { name: 'ann', password })
    expect((await submit(strict, good)).status).toBe(303)
  })
})

test('who failed too often is told how long to wait, in the page and in its header', async () => {
  await edge.addUser('max', 'Viewer')
  const wrong = { username: 'max', password: 'wrong password' }
  for (let n = 0; n < 5; n++) expect((await submit(edge, wrong)).status).toBe(401)
  const answer = await submit(edge, { username: 'max', password })
  expect(answer.status).toBe(429)
  expect(answer.text).toContain('Please wait 15 min')
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(880)
})

test('a message is tied to the fields that it is about, and stands in the title', async () => {
  const { text } = await submit(edge, { username: 'nobody', password: 'wrong password' })
  expect(text).toContain('<title>User name or password is wrong. – Sign in</title>')
  expect(text).toMatch(/<p class="message" id="message" role="alert">/)
  for (const name of ['username', 'password'])
    expect(text).toMatch(
      new RegExp(`<input id="${name}" [^>]*aria-invalid="true" aria-describedby="message"`),
    )
  expect(text.match(/ autofocus/g)).toHaveLength(1)
})

test('signing in again ends the session that the browser had', async () => {
  const first = (await submit(edge, good)).cookie('access_token') as string
  const { hidden, cookie } = await openForm(edge)
  const again = await edge.ask(loginPath, {
    method: 'POST',
    headers: { cookie: `${cookie}; ${first}` },
    body: new URLSearchParams({ ...hidden, ...good }),
  })
  expect(await edge.introspect(first.split('=')[1] as string)).toEqual({ active: false })
  const second = again.cookie('access_token')?.split('=')[1] as string
  expect(await edge.introspect(second)).toMatchObject({ active: true })
})

test('every sign-in has new identifiers, and nothing from before it becomes one', async () => {
  const { hidden, cookie } = await openForm(edge)
  const planted = `${cookie}; access_token=planted`
  const body = new URLSearchParams({ ...hidden, ...good })
  const tokens = []
  for (let n = 0; n < 2; n++) {
    const answer = await edge.ask(loginPath, { method: 'POST', headers: { cookie: planted }, body })
    tokens.push(answer.cookie('access_token')?.split('=')[1] as string)
  }
  expect(new Set([...tokens, 'planted', cookie.split('=')[1]]).size).toBe(4)
  const jti = (token: string) =>
    JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).jti
  expect(jti(tokens[0] as string)).not.toBe(jti(tokens[1] as string))
  expect(await edge.introspect(cookie.split('=')[1] as string)).toEqual({ active: false })
})

test('passwords and tokens are not in the log, but who signed in from where is', async () => {
  const token = await edge.signIn('ann')
  await edge.signIn('my-secret-password-in-the-wrong-field').catch(() => {})
  const log = JSON.stringify(edge.logged)
  expect(log).not.toContain(password)
  expect(log).not.toContain(token)
  expect(log).not.toContain('wrong-field')
  expect(edge.logged).toContainEqual(
    expect.objectContaining({ msg: 'signed in', user: 'ann', address: '127.0.0.1', method: 'direct' }),
  )
})

describe('while there is no user', () => {
  test('the code in the file makes the first administrator, once', async () => {
    await using fresh = await startEdgeAuth()
    const file = join(fresh.dir, 'first-admin-code')
    const code = (await readFile(file, 'utf8')).trim()
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(JSON.stringify(fresh.logged)).toContain(file)
    expect(JSON.stringify(fresh.logged)).not.toContain(code)

    expect((await openForm(fresh)).page.text).toContain('name="code"')
    const mine = { username: 'root', password }
    expect((await submit(fresh, { ...mine, code: 'wrong' })).status).toBe(401)
    expect((await submit(fresh, mine)).status).toBe(401)
    expect((await submit(fresh, { ...mine, code, username: 'no blanks' })).status).toBe(400)
    expect((await submit(fresh, { ...mine, code, password: 'short' })).status).toBe(400)
    expect(await fresh.run('user.list')).toEqual([])

    const answer = await submit(fresh, { ...mine, code: ` ${code.toUpperCase()} ` })
    expect(answer.status).toBe(303)
    const token = answer.cookie('access_token')?.split('=')[1] as string
    expect(await fresh.introspect(token)).toMatchObject({ sub: 'root', ext: { roles: ['Admin'] } })
    await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' })

    expect((await openForm(fresh)).page.text).not.toContain('name="code"')
    expect((await submit(fresh, { code, username: 'second', password })).status).toBe(401)
  })

  test('of two that hold the code one becomes administrator', async () => {
    await using fresh = await startEdgeAuth()
    const code = (await readFile(join(fresh.dir, 'first-admin-code'), 'utf8')).trim()
    const answers = await Promise.all(
      ['one', 'two'].map((username) => submit(fresh, { code, username, password })),
    )
    expect(answers.map(({ status }) => status).sort()).not.toEqual([303, 303])
    expect(await fresh.run('user.list')).toHaveLength(1)
  })

  test('a user made by command takes the code back', async () => {
    await using fresh = await startEdgeAuth()
    await fresh.addUser('ann', 'Admin')
    await expect(stat(join(fresh.dir, 'first-admin-code'))).rejects.toMatchObject({ code: 'ENOENT' })
    expect((await openForm(fresh)).page.text).not.toContain('name="code"')
  })
})
