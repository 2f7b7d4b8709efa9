import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { password } from './edge-auth.ts'
import { type Gateway, startGateway, tempDir } from './harness.ts'
import { describeWith, findProgram } from './peers.ts'
import { codeAt, createVisitor, scan, wrongCode } from './second-factor.ts'

/** What a browser on a desk has no need to do in a test. */
const quiet = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
]

describeWith(['chromium'], 'the administration in Chromium', () => {
  const held = new AsyncDisposableStack()
  let gateway: Gateway
  let browser: Browser
  let complaints: string[]

  beforeAll(async () => {
    const { path } = held.use(await tempDir())
    gateway = held.use(await startGateway(path))
    browser = await chromium.launch({ executablePath: findProgram('chromium') as string, args: quiet })
    held.defer(() => browser.close())
    await gateway.operate('option.set', { category: 'two-factor', key: 'strategy', value: 'totp' })
    const users = { ada: 'Admin', vic: 'Viewer', uma: 'UserManager' }
    const added = Object.entries(users).map(([name, role]) =>
      gateway.operate('user.add', { name, roles: [role], password }),
    )
    await Promise.all(added)
    complaints = []
  })
  afterAll(() => held.disposeAsync())

  async function open(options: BrowserContextOptions = {}) {
    const context = await browser.newContext({ locale: 'en-GB', ...options })
    const page = await context.newPage()
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('console', (message) => {
      if (/content security policy|trusted/i.test(message.text())) complaints.push(message.text())
    })
    await page.goto(gateway.addresses.admin)
    await page.locator('input[name=username]:focus').waitFor()
    return { context, page, [Symbol.asyncDispose]: () => context.close() }
  }
  async function signIn(page: Page, username = 'ada', typed = password): Promise<void> {
    await page.fill('input[name=username]', username)
    await page.fill('input[name=password]', typed)
    await page.keyboard.press('Enter')
  }
  const heading = (page: Page, name: string) => page.getByRole('heading', { name, level: 1, exact: true })
  const navigation = (page: Page) => page.getByRole('navigation').getByRole('link').allInnerTexts()
  const show = (page: Page, name: string) =>
    page.getByRole('navigation').getByRole('link', { name, exact: true }).click()

  test('a wrong password is told; the right one leads to how the box does, and a reload to the sign-in', async () => {
    await using tab = await open()
    await signIn(tab.page, 'ada', 'wrong password')
    await tab.page.getByRole('alert').filter({ hasText: 'User name, password or code is wrong.' }).waitFor()
    expect(await tab.page.locator('input[name=password]:focus').inputValue()).toBe('')
    await signIn(tab.page)
    await heading(tab.page, 'Overview').waitFor()
    await tab.page.getByText('not onboarded').waitFor()
    const kept = await tab.page.evaluate('localStorage.length + sessionStorage.length')
    expect(kept).toBe(0)
    await tab.page.reload()
    await tab.page.locator('input[name=username]:focus').waitFor()
    // What the page had opened is ended with it.
    await expect.poll(() => gateway.operate('session.list', { user: 'ada' })).toEqual([])
  })

  test('where a second factor is asked for, the password is followed by its code', async () => {
    await gateway.operate('user.add', { name: 'tom', roles: ['Viewer'], password, totpRequired: true })
    await using tab = await open()
    await signIn(tab.page, 'tom')
    await tab.page.getByText('You must set up a second factor first.').waitFor()
    const person = createVisitor(async (path, question) => {
      const answer = await fetch(gateway.addresses.auth + path, { redirect: 'manual', ...question })
      const { status, headers } = answer
      return { status, text: await answer.text(), headers: {}, setCookies: headers.getSetCookie() }
    })
    await person.open()
    const secret = scan((await person.submit({ username: 'tom', password })).text)
    const begun = Date.now()
    await person.submit({ code: codeAt(secret, begun) }, '/second-factor')

    await signIn(tab.page, 'tom')
    await tab.page.locator('input[name=totp]:focus').fill(wrongCode(secret, begun))
    await tab.page.keyboard.press('Enter')
    await tab.page.getByText('User name, password or code is wrong.').waitFor()
    await tab.page.locator('input[name=totp]:focus').fill(codeAt(secret, begun + 30_000))
    await tab.page.keyboard.press('Enter')
    await heading(tab.page, 'Overview').waitFor()
  })

  test('somebody is added, and chooses a password with the code; another edit in between is not lost', async () => {
    await using tab = await open()
    const { page } = tab
    await signIn(page)
    await heading(page, 'Overview').waitFor()
    await show(page, 'Users')
    await page.getByRole('button', { name: 'Add a user' }).click()
    const dialog = page.getByRole('dialog', { name: 'Add a user' })
    await dialog.getByLabel('User name').fill('zoe')
    await dialog.getByRole('button', { name: 'Add a user' }).click()
    await dialog.getByText('a user has at least one role').waitFor()
    await dialog.getByRole('checkbox', { name: 'Operator' }).check()
    await dialog.getByRole('button', { name: 'Add a user' }).click()
    const once = page.getByRole('dialog', { name: 'Code for zoe' })
    expect(await once.locator('code').innerText()).toMatch(/^[0-9a-f]{4}(-[0-9a-f]{4})+$/)
    await once.getByRole('button', { name: 'I have kept it' }).click()
    await page.getByRole('link', { name: 'zoe' }).click()
    await heading(page, 'zoe').waitFor()

    await gateway.operate('user.set', { name: 'zoe', profile: { phone: '4711' } })
    await page.getByLabel('First name').fill('Zoe')
    await page.getByRole('button', { name: 'Save' }).first().click()
    await page.getByText('Somebody else has changed this meanwhile.').waitFor()
    await page.getByRole('button', { name: 'Show the newest state' }).click()
    await page.locator('input[name=phone][value="4711"]').waitFor()
    await page.getByLabel('First name').fill('Zoe')
    await page.getByRole('button', { name: 'Save' }).first().click()
    await page.getByText('Saved.').waitFor()
    expect(await gateway.operate('user.show', { name: 'zoe' })).toMatchObject({
      profile: { firstName: 'Zoe', phone: '4711' },
    })
  })

  test('each sees the pages of what he may', async () => {
    await using viewer = await open()
    await signIn(viewer.page, 'vic')
    await heading(viewer.page, 'Overview').waitFor()
    expect(await navigation(viewer.page)).toEqual(['Overview', 'Alarms', 'Apps', 'My account'])
    await viewer.page.evaluate("location.hash = '/users'")
    await heading(viewer.page, 'Overview').waitFor()
    await using manager = await open()
    await signIn(manager.page, 'uma')
    await heading(manager.page, 'Users').waitFor()
    expect(await navigation(manager.page)).toEqual(['Users', 'Roles and groups', 'Sessions', 'My account'])
  })

  test('a session that was ended elsewhere leads back to the sign-in, and from there to the same page', async () => {
    await using tab = await open()
    await signIn(tab.page)
    await heading(tab.page, 'Overview').waitFor()
    await show(tab.page, 'Options')
    await heading(tab.page, 'Options').waitFor()
    await gateway.operate('session.end', { user: 'ada' })
    await show(tab.page, 'Audit')
    await tab.page.getByText('Your session has ended.').waitFor()
    expect(await tab.page.getByRole('navigation').count()).toBe(0)
    await signIn(tab.page)
    await heading(tab.page, 'Audit').waitFor()
  })

  test('speaks German and fits a phone on every page, without a complaint of the content security policy', async () => {
    const phone = { viewport: { width: 360, height: 640 }, isMobile: true, locale: 'de-DE' }
    await using tab = await open(phone)
    await signIn(tab.page)
    await heading(tab.page, 'Übersicht').waitFor()
    expect(await tab.page.getAttribute('html', 'lang')).toBe('de')
    const menu = tab.page.getByRole('button', { name: 'Menü' })
    await menu.click()
    const pages = await navigation(tab.page)
    expect(pages).toHaveLength(11)
    for (const name of pages) {
      if ((await menu.getAttribute('aria-expanded')) === 'false') await menu.click()
      await show(tab.page, name)
      await heading(tab.page, name).waitFor()
      expect([name, await tab.page.evaluate('document.documentElement.scrollWidth')]).toEqual([name, 360])
    }
    expect(complaints).toEqual([])
  })
})
