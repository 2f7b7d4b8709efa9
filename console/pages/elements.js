// @ts-check

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {Readonly<Record<string, unknown>>} Attributes */

/**
 * An element. Attributes: `on…` listen, booleans are there or not, what is undefined is left out. Text stays
 * text: nothing here reads HTML.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {Attributes} [attributes]
 * @param {...(Child | readonly Child[])} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function')
      element.addEventListener(key.slice(2).toLowerCase(), /** @type {EventListener} */ (value))
    else if (typeof value === 'boolean') element.toggleAttribute(key, value)
    else if (value !== undefined && value !== null) element.setAttribute(key, String(value))
  }
  for (const child of children.flat())
    if (child !== null && child !== undefined && child !== false)
      element.append(child instanceof Node ? child : String(child))
  return element
}

let lastId = 0
/** For what refers to another element. */
export const newId = () => `e${++lastId}`

/**
 * @param {string} title
 * @param {...(Child | readonly Child[])} children
 */
export function card(title, ...children) {
  const id = newId()
  return h('section', { class: 'card', 'aria-labelledby': id }, h('h2', { id }, title), ...children)
}

/** A card of what the page is about, which its heading says already. @param {...(Child | readonly Child[])} children */
export const panel = (...children) =>
  h('section', { class: 'card', 'aria-labelledby': 'heading' }, ...children)

/**
 * Names and values.
 * @param {readonly (readonly [name: string, value: Child])[]} entries those without a value are left out
 */
export const facts = (entries) =>
  h(
    'dl',
    { class: 'facts' },
    entries
      .filter(([, value]) => value !== undefined && value !== null && value !== '')
      .map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))),
  )

/**
 * @param {string} text
 * @param {'good' | 'warn' | 'bad' | 'calm'} [tone]
 */
export const badge = (text, tone = 'calm') => h('span', { class: `badge ${tone}` }, text)

/**
 * @param {string} label
 * @param {() => void} onclick
 * @param {{ kind?: 'quiet' | 'danger' | 'main', described?: string }} [look] `described`: what it is about, where the label alone does not say
 */
export const button = (label, onclick, { kind = 'quiet', described } = {}) =>
  h(
    'button',
    { type: 'button', class: kind, onclick, ...(described && { 'aria-label': `${label}: ${described}` }) },
    label,
  )

/**
 * @param {string} path
 * @param {...Child} children
 */
export const link = (path, ...children) => h('a', { href: `#/${path}` }, ...children)

/** @param {...(Child | readonly Child[])} children */
export const bar = (...children) => h('div', { class: 'bar' }, ...children)

/** @param {string} text */
export const lead = (text) => h('p', { class: 'lead' }, text)
