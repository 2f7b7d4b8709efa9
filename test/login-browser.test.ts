import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { loginPath, password, startEdgeAuth } from './edge-auth.ts'
import { describeWith, findProgram } from './peers.ts'
import { makeCertificate, type RunningProxy, startEcho, startNginx } from './proxies.ts'
import { codeAt, scan, wrongCode } from './second-factor.ts'

/** What a browser on a desk has no need to do in a test. */
const quiet = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
]

describeWith(['chromium', 'nginx'], 'the login page in Chromium, without JavaScript, behind nginx', () => {
  const held = new AsyncDisposableStack()
  let edge: Awaited<ReturnType<typeof startEdgeAuth>>
  let site: RunningProxy
  let browser: Browser

  beforeAll(async () => {
    const throttle = { attempts: 3, windowMs: 900_000, blockMs: 900_000 }
    edge = held.use(await startEdgeAuth({ throttle }))
    await makeCertificate(edge.dir)
    const { url: upstream } = await startEcho(held)
    await edge.run('app.add', { name: 'press', version: '1' })
    await edge.run('app.set', { name: 'press', path: '/press/', upstream })
    const { text } = (await edge.run('proxy.config', { proxy: 'nginx' })) as { text: string }
    site = await startNginx(held, edge.dir, text)
    const executablePath = findProgram('chromium') as string
    browser = await chromium.launch({ executablePath, args: quiet })
    held.defer(() => browser.close())
    await edge.addUser('root', 'Admin')
  })
  afterAll(() => held.disposeAsync())
  beforeEach(async () => {
    await edge.run('user.remove', { name: 'ann' }).catch(() => {})
    await edge.addUser('ann', 'Operator')
  })

  async function open(path: string, options: BrowserContextOptions = {}) {
    const context = await browser.newContext({
      ...{ ignoreHTTPSErrors: true, javaScriptEnabled: false, locale: 'en-GB' },
      ...options,
    })
    const page = await context.newPage()
    await page.goto(site.url + path)
    return { context, page, [Symbol.asyncDispose]: () => context.close() }
  }
  const where = (page: Page) => page.url().slice(site.url.length)
  async function signIn(page: Page, typed = password, username = 'ann'): Promise<void> {
    await page.fill('#username', username)
    await page.fill('#password', typed)
    const answered = page.waitForNavigation() // a click alone does not wait for what it leads to
    await page.click('button')
    await answered
  }

  test('who signs in comes back to the page that he asked for', async () => {
    await using tab = await open('/press/?line=2&shift=night')
    expect(where(tab.page)).toMatch(/^\/device\/edge\/auth\/login\?rd=/)
    await signIn(tab.page)
    expect(where(tab.page)).toBe('/press/?line=2&shift=night')
    expect(JSON.parse(await tab.page.innerText('pre'))).toMatchObject({
      ...{ app: true, target: '/press/?line=2&shift=night', headers: { 'x-auth-user': 'ann' } },
    })
    const cookies = await tab.context.cookies()
    expect(cookies.find(({ name }) => name === 'access_token')).toMatchObject({
      ...{ domain: '127.0.0.1', path: '/', httpOnly: true, secure: true, sameSite: 'Lax' },
    })
  })

  test('the keyboard alone is enough', async () => {
    await using tab = await open('/press/')
    await tab.page.locator('#username:focus').waitFor() // by itself, once the page is there
    await tab.page.keyboard.type('ann')
    await tab.page.keyboard.press('Tab')
    await tab.page.keyboard.type(password)
    await tab.page.keyboard.press('Tab')
    expect(await tab.page.locator('button:focus').count()).toBe(1)
    await tab.page.keyboard.press('Enter')
    await tab.page.waitForURL('**/press/')
  })

  test('a wrong password is told, with the name kept and the password ready to be typed again', async () => {
    await using tab = await open('/press/')
    await signIn(tab.page, 'wrong password')
    expect(await tab.page.title()).toBe('User name or password is wrong. – Sign in')
    expect(await tab.page.getByRole('alert').innerText()).toBe('User name or password is wrong.')
    expect(await tab.page.inputValue('#username')).toBe('ann')
    expect(await tab.page.locator('#password:focus').inputValue()).toBe('') // waits for the focus
    const described = tab.page.getByLabel('Password', { exact: true })
    expect(await described.getAttribute('aria-describedby')).toBe('message')
    await tab.page.keyboard.type(password)
    await tab.page.keyboard.press('Enter')
    await tab.page.waitForURL('**/press/')
  })

  test('too many wrong passwords are told, and the right one must wait too', async () => {
    await using tab = await open('/press/')
    for (let n = 0; n < 3; n++) await signIn(tab.page, 'wrong password')
    await signIn(tab.page)
    expect(await tab.page.getByRole('alert').innerText()).toBe(
      'Too many failed attempts. Please wait 15 min and try again.',
    )
    await edge.run('user.unlock', { name: 'ann' })
    await signIn(tab.page)
    expect(where(tab.page)).toBe('/press/')
  })

  test('two tabs that wait for a login both lead to their own page', async () => {
    await using one = await open('/press/one')
    const other = await one.context.newPage()
    await other.goto(`${site.url}/press/two`)
    await signIn(one.page)
    await signIn(other)
    expect([where(one.page), where(other)]).toEqual(['/press/one', '/press/two'])
  })

  test('after signing out the app is closed, in every tab', async () => {
    await using one = await open(loginPath)
    await signIn(one.page)
    expect(await one.page.innerText('h1')).toBe('Signed in as ann')
    const other = await one.context.newPage()
    await other.goto(`${site.url}/press/`)
    await one.page.getByRole('button', { name: 'Sign out', exact: true }).click()
    expect(where(one.page)).toBe(loginPath)
    expect((await one.context.cookies()).map(({ name }) => name)).not.toContain('access_token')
    await other.reload()
    expect(where(other)).toMatch(/login\?rd=%2Fpress%2F$/)
  })

  test('signing out on all devices closes the app on the others', async () => {
    await using desk = await open('/press/')
    await using phone = await open('/press/')
    await signIn(desk.page)
    await signIn(phone.page)
    await desk.page.goto(site.url + loginPath)
    await desk.page.getByRole('button', { name: 'Sign out on all devices' }).click()
    await phone.page.reload()
    expect(where(phone.page)).toMatch(/login\?rd=/)
  })

  test('a session that was ended elsewhere leads back to the login, and from there to the page', async () => {
    await using tab = await open('/press/')
    await signIn(tab.page)
    await edge.run('session.end', { user: 'ann' })
    await tab.page.reload()
    expect(where(tab.page)).toMatch(/login\?rd=%2Fpress%2F$/)
    await signIn(tab.page)
    expect(where(tab.page)).toBe('/press/')
  })

  test('who must choose a new password does so on the way', async () => {
    await edge.run('user.passwd', { name: 'ann', password, mustChange: true })
    await using tab = await open('/press/')
    await signIn(tab.page)
    expect(await tab.page.title()).toBe('New password')
    const fresh = 'another good password'
    await tab.page.keyboard.type(fresh)
    await tab.page.keyboard.press('Tab')
    await tab.page.keyboard.type('something else')
    await tab.page.keyboard.press('Enter')
    expect(await tab.page.getByRole('alert').innerText()).toBe('The two passwords differ.')
    await tab.page.getByLabel('New password', { exact: true }).fill(fresh)
    await tab.page.getByLabel('Repeat the new password').fill(fresh)
    await tab.page.keyboard.press('Enter')
    await tab.page.waitForURL('**/press/')
  })

  test('a second factor is set up from the picture and by the keyboard alone, and asked for from then on', async () => {
    await edge.run('option.set', { category: 'two-factor', key: 'strategy', value: 'totp' })
    await edge.run('user.set', { name: 'ann', totpRequired: true })
    await using tab = await open('/press/', { viewport: { width: 360, height: 640 }, isMobile: true })
    const { page } = tab
    await signIn(page)
    expect(await page.title()).toBe('Set up a second factor')
    const picture = page.getByRole('img', { name: 'QR code for an authenticator app' })
    const uri = new URL(
      (await page.getByRole('link', { name: 'Open the app' }).getAttribute('href')) as string,
    )
    expect([uri.pathname, uri.searchParams.get('issuer')]).toEqual([
      '/edgeward%20127.0.0.1%3Aann',
      'edgeward 127.0.0.1',
    ])
    const { width } = (await picture.boundingBox()) as { width: number }
    expect(width).toBeGreaterThan(150) // nothing of the page's policy keeps it from being drawn
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
    const secret = scan(await page.content())
    const begun = Date.now()
    await page.locator('#code:focus').waitFor()
    await page.keyboard.type(wrongCode(secret, begun))
    await page.keyboard.press('Enter')
    await page.waitForURL('**/second-factor')
    expect(await page.getByRole('alert').innerText()).toContain('not the code that belongs to this secret')
    await page.locator('#code:focus').waitFor()
    await page.keyboard.type(codeAt(secret, begun))
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Your recovery codes' }).waitFor()
    expect(await page.getByRole('listitem').count()).toBe(10)
    const recovery = await page.getByRole('listitem').first().innerText()
    await page.getByRole('link', { name: 'I have written them down' }).click()
    await page.waitForURL('**/press/')

    await using other = await open('/press/line')
    await signIn(other.page)
    await other.page.locator('#code:focus').waitFor()
    await other.page.keyboard.type(codeAt(secret, begun + 30_000))
    await other.page.keyboard.press('Enter')
    await other.page.waitForURL('**/press/line')

    await using lost = await open('/press/', { locale: 'de-DE' })
    await signIn(lost.page)
    await lost.page.getByText('Wiederherstellungscode benutzen').click()
    await lost.page.getByLabel('Wiederherstellungscode').fill(recovery)
    await lost.page.getByLabel('Wiederherstellungscode').press('Enter')
    await lost.page.waitForURL('**/press/')
  })

  test('speaks German to who prefers it', async () => {
    await using tab = await open('/press/', { locale: 'de-DE' })
    expect(await tab.page.getAttribute('html', 'lang')).toBe('de')
    await tab.page.getByLabel('Benutzername').fill('ann')
    await tab.page.getByLabel('Passwort').fill('falsch, ganz falsch')
    await tab.page.getByRole('button', { name: 'Anmelden' }).click()
    expect(await tab.page.title()).toBe('Benutzername oder Passwort ist falsch. – Anmelden')
  })

  test('fits a phone: nothing to scroll sideways, and all that is to be touched is large enough', async () => {
    await using tab = await open('/press/', { viewport: { width: 360, height: 640 }, isMobile: true })
    await signIn(tab.page, 'wrong password')
    const { width } = (await tab.page.locator('main').boundingBox()) as { width: number }
    expect(width).toBeLessThanOrEqual(360)
    for (const element of ['#username', '#password', 'button']) {
      const box = (await tab.page.locator(element).boundingBox()) as {
        height: number
        x: number
        width: number
      }
      expect(box.height).toBeGreaterThanOrEqual(44)
      expect(box.x + box.width).toBeLessThanOrEqual(360)
    }
  })
})
