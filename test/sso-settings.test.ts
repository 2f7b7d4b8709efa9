import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Answer, loginPath, startEdgeAuth } from './edge-auth.ts'
import { startSigningProvider } from './signing-provider.ts'

const sso = '/device/edge/auth/sso'
const html = { accept: 'text/html' }
const held = new AsyncDisposableStack()
let edge: Awaited<ReturnType<typeof startEdgeAuth>>
let provider: Awaited<ReturnType<typeof startSigningProvider>>

beforeAll(async () => {
  edge = held.use(await startEdgeAuth())
  provider = await startSigningProvider(held)
})
afterAll(() => held.disposeAsync())
beforeEach(() => {
  Object.assign(provider.state, { claims: {}, accessClaims: undefined })
})

const mapping = {
  mode: 'replace',
  rules: [{ when: [{ claim: 'groups', operator: 'in', value: 'ops' }], roles: ['Operator'] }],
}
const put = (settings: object) =>
  edge.run('sso.put', {
    ...{ name: 'plant', issuer: provider.issuer, clientId: 'box', secret: 'a secret of the box' },
    ...{ providerName: 'the plant', onThisMachine: true, mapping, ...settings },
  })

/** There and back. */
async function signIn(): Promise<{ to: URL; answer: Answer }> {
  const begun = await edge.ask(`${sso}/start?provider=plant`, { headers: html })
  const to = new URL(begun.headers.location as string)
  provider.state.nonce = to.searchParams.get('nonce') as string
  const cookie = begun.headers['set-cookie']?.[0]?.split(';')[0] as string
  const query = new URLSearchParams({ code: 'x', state: to.searchParams.get('state') as string })
  const answer = await edge.ask(`${sso}/callback/plant?${query}`, { headers: { ...html, cookie } })
  return { to, answer }
}

/** Where the page that leads to another site leads to. */
function leavingTo(page: string): URL {
  const [, link = ''] = /href="([^"]+\/end\?[^"]+)"/.exec(page) ?? []
  return new URL(link.replaceAll('&#38;', '&'))
}

/** A placeholder. */
const filled = (name: string): string => `$${`{${name}}`}`

test('further parameters are filled in and encoded, and none takes the place of ours', async () => {
  const strange = `a&state=b c/${filled('unknown')}`
  await put({
    authorizationParams: {
      idp_hint: 'plant',
      resource: filled('clientId'),
      strange,
      state: 'mine',
      nonce: 'x',
    },
    logoutParams: {
      client: filled('clientId'),
      hint: filled('idToken'),
      post_logout_redirect_uri: 'https://e',
    },
  })
  provider.state.claims = { groups: ['ops'] }
  const { to, answer } = await signIn()
  const asked = to.searchParams
  expect(Object.fromEntries(asked)).toMatchObject({ idp_hint: 'plant', resource: 'box', strange })
  expect([asked.getAll('state').length, asked.get('state'), asked.get('nonce')]).toEqual([
    ...[1, expect.stringMatching(/^[\w-]{20,}$/), expect.stringMatching(/^[\w-]{20,}$/)],
  ])
  const headers = { ...html, cookie: answer.cookie('access_token') as string, origin: edge.url }
  const out = await edge.ask('/device/edge/auth/logout', { method: 'POST', headers })
  const end = leavingTo(out.text).searchParams
  expect(end.get('client')).toBe('box')
  expect(end.get('hint')).toMatch(/^eyJ/)
  expect(end.get('hint')).toBe(end.get('id_token_hint'))
  expect(end.get('post_logout_redirect_uri')).toBe(`${edge.url}${loginPath}`)
})

test('with the access token as the source its claims count, for its audience and the same person', async () => {
  await put({ tokenSource: 'accessToken', audience: 'api://box' })
  const good = {
    ...{ iss: provider.issuer, aud: 'api://box', sub: 'somebody', groups: ['ops'] },
    exp: provider.now() + 60,
  }
  for (const accessClaims of [
    undefined,
    { ...good, aud: 'box' },
    { ...good, sub: 'somebody else' },
    { ...good, iss: 'https://other.example' },
    { ...good, exp: provider.now() - 60 },
  ]) {
    provider.state.accessClaims = accessClaims
    expect((await signIn()).answer.status).toBe(400)
  }
  provider.state.accessClaims = { ...good, groups: ['others'] }
  provider.state.claims = { groups: ['ops'] }
  expect((await signIn()).answer.status).toBe(403)
  provider.state.accessClaims = good
  provider.state.claims = {}
  expect((await signIn()).answer.status).toBe(303)
})

test('the login page has a button with its text for each provider that is visible', async () => {
  const page = async () => (await edge.ask(loginPath, { headers: html })).text
  await put({ buttonText: 'With the badge of the plant' })
  expect(await page()).toContain('With the badge of the plant')
  await put({ buttonText: 'With the badge of the plant', visible: false })
  expect(await page()).not.toContain('With the badge of the plant')
})
