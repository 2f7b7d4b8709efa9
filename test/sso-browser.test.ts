import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loginPath, password, startEdgeAuth } from './edge-auth.ts'
import { describeWith, findProgram } from './peers.ts'
import { makeCertificate, type RunningProxy, startEcho, startNginx } from './proxies.ts'
import { client, type IdentityProvider, startIdentityProvider } from './sso-provider.ts'

const quiet = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
]
const sso = '/device/edge/auth/sso'

interface Session {
  id: string
  user: string
}
interface Entry {
  type: string
  reason?: string
  user?: string
  detail?: Record<string, unknown>
}

describeWith(['chromium', 'nginx'], 'single sign-on in Chromium, without JavaScript, behind nginx', () => {
  const held = new AsyncDisposableStack()
  let edge: Awaited<ReturnType<typeof startEdgeAuth>>
  let site: RunningProxy
  let browser: Browser
  let provider: IdentityProvider

  const rules = [
    { when: [{ claim: 'groups', operator: 'in', value: 'operators' }], roles: ['Operator'] },
    { when: [{ claim: 'nested.department', operator: '=', value: 'it-*' }], roles: ['AppAdmin'] },
  ]
  const put = (settings: object = {}) =>
    edge.run('sso.put', {
      ...{ name: 'plant', issuer: provider.issuer, clientId: client.clientId, secret: client.clientSecret },
      ...{ providerName: 'the plant', onThisMachine: true, userIdClaim: 'preferred_username' },
      mapping: { mode: 'replace', rules },
      ...settings,
    })
  const sessions = async (user: string) =>
    ((await edge.run('session.list', { user })) as Session[]).map(({ id }) => id)
  const audit = async (type: string) =>
    ((await edge.run('audit.list', { type })) as { entries: Entry[] }).entries
  const rolesOf = async (name: string) =>
    ((await edge.run('user.list')) as { name: string; roles: string[] }[]).find((user) => user.name === name)
      ?.roles

  beforeAll(async () => {
    edge = held.use(await startEdgeAuth())
    await makeCertificate(edge.dir)
    const { url: upstream } = await startEcho(held)
    await edge.run('app.add', { name: 'press', version: '1' })
    await edge.run('app.set', { name: 'press', path: '/press/', upstream })
    const { text } = (await edge.run('proxy.config', { proxy: 'nginx' })) as { text: string }
    site = await startNginx(held, edge.dir, text)
    provider = await startIdentityProvider(held, {
      redirectUris: [`${site.url}${sso}/callback/plant`],
      postLogoutRedirectUris: [site.url + loginPath],
      backChannelUri: `${edge.url}${sso}/backchannel-logout`,
    })
    browser = await chromium.launch({ executablePath: findProgram('chromium') as string, args: quiet })
    held.defer(() => browser.close())
    await edge.addUser('root', 'Admin')
    await edge.run('option.set', { category: 'single-sign-on', key: 'audit.claims', value: 'on' })
    await put()
    await provider.setClaims('1234', {
      ...{ preferred_username: 'erika', given_name: 'Erika', family_name: 'Muster' },
      ...{ email: 'erika@plant.example', groups: ['operators', 'all'] },
    })
  })
  afterAll(() => held.disposeAsync())

  async function open(): Promise<{ context: BrowserContext; page: Page } & AsyncDisposable> {
    const context = await browser.newContext({
      ...{ ignoreHTTPSErrors: true, javaScriptEnabled: false, locale: 'en-GB' },
    })
    context.setDefaultTimeout(15_000)
    return { context, page: await context.newPage(), [Symbol.asyncDispose]: () => context.close() }
  }
  const where = (page: Page) => page.url().slice(site.url.length)

  /** On the provider's pages, where it asks: who one is, and that the box may know. */
  async function authenticate(page: Page, sub: string): Promise<void> {
    const isThere = () => page.url().startsWith(provider.issuer)
    if (!isThere()) return
    await page.fill('input[name=login]', sub)
    await page.fill('input[name=password]', 'whatever')
    await submit(page)
    if (isThere()) await submit(page)
  }
  async function leave(page: Page): Promise<void> {
    const answered = page.waitForNavigation()
    await page.click('a.button')
    await answered
  }
  async function submit(page: Page): Promise<void> {
    const answered = page.waitForNavigation()
    await page.click('button[type=submit]')
    await answered
  }
  async function signIn(page: Page, sub = '1234'): Promise<void> {
    await page.goto(`${site.url}/press/?line=2`)
    await leave(page)
    await authenticate(page, sub)
  }

  test('who signs in at the provider comes back to the page that he asked for', async () => {
    await using tab = await open()
    await signIn(tab.page)
    await tab.page.waitForURL('**/press/?line=2')
    expect(JSON.parse(await tab.page.innerText('pre'))).toMatchObject({
      headers: { 'x-auth-user': 'erika', 'x-auth-roles': 'Operator' },
    })
    expect(await edge.run('user.list')).toContainEqual(
      expect.objectContaining({
        ...{ name: 'erika', roles: ['Operator'] },
        profile: { firstName: 'Erika', lastName: 'Muster', email: 'erika@plant.example' },
      }),
    )
    expect((await audit('sso_login'))[0]).toMatchObject({ user: 'erika', detail: { subject: '1234' } })
    const [claims] = await audit('sso_claims')
    expect(claims?.detail?.claims).toMatch(/^\{"alg":"RS256".*\}\{.*"groups".*\}\[256 crypto bytes\]$/)
    expect((await tab.context.cookies()).map(({ name }) => name)).not.toContainEqual(
      expect.stringContaining('_sso_'),
    )
  })

  test('signing out ends the session here and leads to the provider, and back', async () => {
    await using tab = await open()
    await signIn(tab.page)
    await tab.page.waitForURL('**/press/?line=2')
    await tab.page.goto(site.url + loginPath)
    await tab.page.click('button:has-text("Sign out") >> nth=0')
    await tab.page.waitForURL(`${provider.issuer}/session/end**`)
    expect(await sessions('erika')).toHaveLength(1) // of the test before
    await tab.page.click('button[value=yes]')
    await tab.page.waitForURL(`${site.url}${loginPath}**`)
    expect((await audit('sso_logout'))[0]).toMatchObject({ user: 'erika', detail: { by: 'user' } })
    await edge.run('session.end', { user: 'erika' })
  })

  test('signing out at the provider ends the session at once', async () => {
    await using tab = await open()
    await signIn(tab.page)
    await tab.page.waitForURL('**/press/?line=2')
    expect(await sessions('erika')).toHaveLength(1)
    await tab.page.goto(`${provider.issuer}/session/end`)
    await tab.page.click('button[value=yes]')
    await expect.poll(() => sessions('erika')).toEqual([])
    expect((await audit('sso_logout'))[0]).toMatchObject({ user: 'erika', detail: { by: 'provider' } })
    await tab.page.goto(`${site.url}/press/`)
    expect(where(tab.page)).toMatch(/^\/device\/edge\/auth\/login/)
  })

  test('the three ways of mapping: with each sign-in, with the others left, at the first alone', async () => {
    await using tab = await open()
    const once = async () => {
      await tab.context.clearCookies({ name: 'access_token' })
      await signIn(tab.page)
      await tab.page.waitForURL('**/press/?line=2')
      return (await rolesOf('erika'))?.toSorted()
    }
    await edge.run('user.set', { name: 'erika', roles: ['Viewer', 'AppAdmin'] })
    await put({ mapping: { mode: 'creation', rules } })
    expect(await once()).toEqual(['AppAdmin', 'Viewer'])
    await put({ mapping: { mode: 'merge', rules } })
    expect(await once()).toEqual(['Operator', 'Viewer'])
    await put()
    expect(await once()).toEqual(['Operator'])
  })

  test('whom no rule lets in is told so; a name that is taken stays whose it is', async () => {
    await provider.setClaims('77', { preferred_username: 'stranger', groups: ['nobody'] })
    await using tab = await open()
    await signIn(tab.page, '77')
    await tab.page.waitForURL(`**${sso}/callback/**`)
    expect(await tab.page.title()).toBe('No access')
    expect(await rolesOf('stranger')).toBeUndefined()

    await provider.setClaims('78', { preferred_username: 'root', email: 'root', groups: ['operators'] })
    await using other = await open()
    await signIn(other.page, '78')
    await other.page.waitForURL(`**${sso}/callback/**`)
    expect(await other.page.title()).toBe('This name is taken')
    expect(await rolesOf('root')).toEqual(['Admin'])
    expect(await sessions('root')).toEqual([])

    // Who proves to be both links them.
    await other.page.goto(site.url + loginPath)
    await other.page.fill('#username', 'root')
    await other.page.fill('#password', password)
    await other.page.click('form button')
    await other.page.goto(site.url + loginPath)
    await other.page.click('button:has-text("Link with the plant")')
    await other.page.waitForURL(`**${sso}/callback/**`)
    expect(await other.page.title()).toBe('Linked')
    expect(await edge.run('sso.links')).toContainEqual(
      expect.objectContaining({ issuer: provider.issuer, subject: '78', user: 'root' }),
    )
  })

  test('two tabs at once come back each to its own page', async () => {
    await using tab = await open()
    const second = await tab.context.newPage()
    for (const [page, line] of [
      [tab.page, 1],
      [second, 2],
    ] as const) {
      await page.goto(`${site.url}/press/?line=${line}`)
      await leave(page)
    }
    await authenticate(second, '1234')
    await second.waitForURL('**/press/?line=2')
    await authenticate(tab.page, '1234')
    await tab.page.waitForURL('**/press/?line=1')
  })

  test('new keys of the provider are fetched when a token names one', async () => {
    await provider.rotateKeys()
    edge.passTime(31_000)
    await using tab = await open()
    await signIn(tab.page)
    await tab.page.waitForURL('**/press/?line=2')
  })

  test('without the provider, who is signed in stays so, and passwords open', async () => {
    await using tab = await open()
    await signIn(tab.page)
    await tab.page.waitForURL('**/press/?line=2')
    await provider.stop()
    await tab.page.goto(`${site.url}/press/?line=3`)
    expect(where(tab.page)).toBe('/press/?line=3')
    edge.passTime(11_000) // it has not answered just now
    await using other = await open()
    await other.page.goto(`${site.url}${loginPath}`)
    await leave(other.page)
    expect(await other.page.title()).toBe('The provider cannot be reached')
    expect(await edge.signIn('root')).toMatch(/^eyJ/)
    await provider.start()
  })
})
