// @ts-check
import { Refused } from './api.js'
import { h } from './elements.js'
import { fill, texts } from './texts.js'

const goodForMs = 6_000
const mostKept = 3

/**
 * What went wrong, in the language of who reads; what the box said besides stays in its own words.
 * @param {unknown} error
 * @returns {{ title: string, detail?: string | undefined }}
 */
export function explained(error) {
  if (!(error instanceof Refused)) return { title: texts.problems.internal, detail: String(error) }
  const known = /** @type {Record<string, string>} */ (texts.problems)[error.code]
  if (known !== undefined) return { title: known, ...(isTelling(error) && { detail: error.detail }) }
  return { title: fill(texts.refused, { code: error.code }), detail: error.detail }
}

const telling = [
  'invalid',
  'conflict',
  'forbidden',
  'in_use',
  'above_own',
  'internal',
  'machine_only',
  'bad_json',
]
/** @param {Refused} error */
const isTelling = ({ code }) => telling.includes(code)

/** Messages that come and go at the edge of the page. */
export function createNotices() {
  const region = h('div', {
    class: 'notices',
    role: 'region',
    'aria-label': texts.notices,
    'aria-live': 'polite',
  })

  /**
   * @param {string} kind
   * @param {string} title
   * @param {...import('./elements.js').Child} further
   */
  function show(kind, title, ...further) {
    const notice = h('div', { class: `notice ${kind}` }, h('div', {}, h('strong', {}, title)), ...further)
    region.append(notice)
    return notice
  }

  return {
    region,
    /** Goes by itself, lies in nobody's way, and makes room for the next. @param {string} text */
    done(text) {
      for (const former of region.querySelectorAll('.good')) former.remove()
      const notice = show('good', text)
      setTimeout(() => notice.remove(), goodForMs)
    },
    /** Stays until it was read. @param {unknown} error */
    failed(error) {
      const { title, detail } = explained(error)
      const close = {
        type: 'button',
        class: 'close',
        'aria-label': texts.close,
        onclick: () => notice.remove(),
      }
      const notice = show('bad', title, h('button', close, '×'))
      notice.role = 'alert'
      if (detail) notice.firstElementChild?.append(h('p', {}, detail))
      while (region.querySelectorAll('.bad').length > mostKept) region.querySelector('.bad')?.remove()
    },
    clear: () => region.replaceChildren(),
  }
}
