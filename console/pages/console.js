// @ts-check
/** @import {Api} from './api.js' */
/** @import {Act, Session} from './answers.js' */
/** @import {createNotices} from './notices.js' */
import { Refused } from './api.js'
import { closeDialogs, confirmed } from './dialogs.js'
import { button, h } from './elements.js'
import { explained } from './notices.js'
import { routes } from './pages.js'
import { may } from './rights.js'
import { texts } from './texts.js'

/**
 * What a page is given.
 * @typedef {{
 *   api: Api,
 *   session: Session,
 *   may: (category: string, act: Act, own?: boolean) => boolean,
 *   isOwn: (thing: { owner: string | null }) => boolean,
 *   go: (path: string) => void,
 *   reload: () => void,
 *   done: (text: string) => void,
 *   act: (work: () => Promise<unknown>, how?: { done?: string, sure?: { title: string, text: string, label: string } }) => Promise<void>,
 * }} Context `act` asks whether one is sure, says what came of it, and shows the page anew
 */
/** @typedef {{ title: string, content: readonly HTMLElement[] }} Page */

const lookEveryMs = 10_000
/** A box that nobody sits at keeps its session no longer than it would without this page. */
const idleMs = 120_000

/**
 * The pages of who is signed in: what he may see of them, and the one he looks at.
 * @param {{ api: Api, notices: ReturnType<typeof createNotices>, place: HTMLElement, onSignOut: () => void }} deps
 * @param {Session} session
 */
export function createConsole({ api, notices, place, onSignOut }, session) {
  const left = new AbortController()
  const mayHe = (/** @type {string} */ category, /** @type {Act} */ act, own = false) =>
    may(session.permissions, category, act, own)
  const open = routes.filter(({ needs }) => needs === undefined || mayHe(needs, 'read', true))
  const main = h('main', { id: 'main', tabindex: -1 })
  const nav = h('nav', { 'aria-label': texts.pages, id: 'nav' })
  const menu = h('button', {
    ...{ type: 'button', class: 'menu', 'aria-controls': 'nav', 'aria-expanded': 'false' },
    onclick: () => showMenu(menu.getAttribute('aria-expanded') !== 'true'),
  })
  menu.append(texts.menu)
  const showMenu = (/** @type {boolean} */ shown) => {
    menu.setAttribute('aria-expanded', String(shown))
    nav.classList.toggle('shown', shown)
  }
  let usedAt = performance.now()
  let shows = 0

  const path = () => location.hash.replace(/^#\/?/, '')
  /** @type {Context} */
  const context = {
    ...{ api, session, may: mayHe },
    isOwn: ({ owner }) => owner === session.user,
    go: (to) => {
      location.hash = `/${to}`
    },
    reload: () => void show({ isAgain: true }),
    done: notices.done,
    async act(work, { done, sure } = {}) {
      if (sure && !(await confirmed(sure))) return
      try {
        await work()
        if (done) notices.done(done)
      } catch (error) {
        if (api.isOpen) notices.failed(error)
      }
      if (api.isOpen) await show({ isAgain: true })
    },
  }

  /** @param {{ isAgain?: boolean }} [how] a page that is shown again stays where it is */
  async function show({ isAgain = false } = {}) {
    const turn = ++shows
    const [first = '', ...rest] = path().split('/').map(decoded)
    const route = open.find((one) => one.path === first && (one.detail || rest.length === 0)) ?? open[0]
    if (!route) return
    const page = await pageOf(route, rest)
    if (turn !== shows || left.signal.aborted) return
    document.title = `${page.title} – edgeward`
    for (const anchor of nav.querySelectorAll('a'))
      if (anchor.dataset.path === route.path) anchor.setAttribute('aria-current', 'page')
      else anchor.removeAttribute('aria-current')
    const focused = focusedAt()
    main.replaceChildren(h('h1', { id: 'heading' }, page.title), ...page.content)
    if (isAgain) return focusAt(focused)
    scrollTo(0, 0)
    main.focus({ preventScroll: true })
  }

  const controls = () => [...main.querySelectorAll('a, button, input, select, textarea')]
  /** Who works with the keyboard goes on where he was. */
  const focusedAt = () => controls().indexOf(/** @type {Element} */ (document.activeElement))
  const focusAt = (/** @type {number} */ index) => {
    const control = controls()[index]
    if (control instanceof HTMLElement) control.focus({ preventScroll: true })
  }

  /**
   * @param {typeof routes[number]} route
   * @param {string[]} rest
   * @returns {Promise<Page>}
   */
  async function pageOf(route, rest) {
    try {
      const [name] = rest
      return await (name === undefined || !route.detail ? route.page(context) : route.detail(context, name))
    } catch (error) {
      const { title, detail } = explained(error)
      const again = button(texts.tryAgain, () => context.reload())
      const message = h(
        'div',
        { class: 'message', role: 'alert' },
        h('strong', {}, title),
        detail && h('p', {}, detail),
      )
      return { title: texts.navigation[route.text], content: [message, again] }
    }
  }

  /** What was ended elsewhere is noticed without a click, while somebody is there to notice. */
  async function look() {
    if (document.hidden || performance.now() - usedAt > idleMs) return
    await api.get('/session').catch((error) => {
      if (!(error instanceof Refused)) throw error
    })
    const isBusy = document.querySelector('dialog') !== null || focusedAt() >= 0
    if (api.isOpen && !isBusy && ['', 'overview'].includes(path())) await show({ isAgain: true })
  }

  const signOut = async () => {
    await api.close().catch(() => {})
    onSignOut()
  }
  nav.append(
    h(
      'ul',
      {},
      open.map((route) =>
        h(
          'li',
          {},
          h('a', { href: `#/${route.path}`, 'data-path': route.path }, texts.navigation[route.text]),
        ),
      ),
    ),
  )
  place.replaceChildren(
    h(
      'a',
      {
        class: 'skip',
        href: '#main',
        onclick(/** @type {Event} */ event) {
          event.preventDefault() // the address says which page is shown
          main.focus()
        },
      },
      texts.skip,
    ),
    h(
      'header',
      {},
      menu,
      h('span', { class: 'brand' }, 'edgeward'),
      h('span', { class: 'who' }, session.user),
      button(texts.signOut, signOut),
    ),
    h('div', { class: 'columns' }, nav, main),
  )
  const { signal } = left
  for (const kind of ['pointerdown', 'keydown'])
    addEventListener(
      kind,
      () => {
        usedAt = performance.now()
      },
      { signal },
    )
  addEventListener(
    'hashchange',
    () => {
      closeDialogs()
      showMenu(false)
      void show()
    },
    { signal },
  )
  const looking = setInterval(() => void look(), lookEveryMs)
  void show()

  return {
    /** Nothing of it is shown or asked any more. */
    leave() {
      left.abort()
      clearInterval(looking)
      closeDialogs()
      place.replaceChildren()
    },
  }
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
