// @ts-check
import { createApi } from './api.js'
import { createConsole } from './console.js'
import { h } from './elements.js'
import { createNotices } from './notices.js'
import { signInPage } from './sign-in.js'
import { language, texts } from './texts.js'

document.documentElement.lang = language
const notices = createNotices()
const place = h('div', { class: 'place' })
document.body.append(place, notices.region)

const api = createApi({ onEnd: () => signIn(texts.sessionEnded) })
/** @type {{ leave: () => void } | undefined} */
let running

/** @param {string} [why] */
function signIn(why) {
  running?.leave()
  running = undefined
  document.title = `${texts.signIn} – edgeward`
  const page = signInPage({ api, why }, (session) => {
    notices.clear()
    running = createConsole({ api, notices, place, onSignOut: () => signIn() }, session)
  })
  place.replaceChildren(page)
  page.querySelector('input')?.focus()
}

// What is in memory goes with the page, so its session does too.
addEventListener('pagehide', () => void api.close().catch(() => {}))
addEventListener('pageshow', ({ persisted }) => persisted && signIn())
signIn()
