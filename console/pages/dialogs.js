// @ts-check
/** @import {Values} from './forms.js' */
/** @import {Child} from './elements.js' */
import { bar, button, h, newId } from './elements.js'
import { form } from './forms.js'
import { texts } from './texts.js'

/**
 * @param {string} title
 * @param {(close: () => void) => readonly Child[]} content
 * @param {() => void} [closed]
 */
function open(title, content, closed) {
  const id = newId()
  const dialog = h('dialog', { 'aria-labelledby': id, class: 'card' })
  const close = () => dialog.close()
  dialog.append(h('h2', { id }, title), ...content(close).filter((child) => child instanceof Node))
  dialog.addEventListener('close', () => {
    dialog.remove()
    closed?.()
  })
  document.body.append(dialog)
  dialog.showModal()
}

/** What is open belongs to a page that is left. */
export function closeDialogs() {
  for (const dialog of document.querySelectorAll('dialog')) dialog.close()
}

/**
 * @param {{ title: string, text: string, label: string }} question
 * @returns {Promise<boolean>}
 */
export function confirmed({ title, text, label }) {
  const { promise, resolve } = Promise.withResolvers()
  const yes = (/** @type {() => void} */ close) => () => {
    resolve(true)
    close()
  }
  open(
    title,
    (close) => [
      h('p', {}, text),
      bar(button(label, yes(close), { kind: 'danger' }), button(texts.cancel, close)),
    ],
    () => resolve(false),
  )
  return promise
}

/**
 * @param {{
 *   title: string,
 *   text?: string | undefined,
 *   fields: readonly (HTMLElement | false | undefined)[],
 *   label: string,
 *   submit: (values: Values) => Promise<void | (() => unknown)>,
 *   reload?: () => void,
 * }} parts what `submit` returns is done when the dialog is gone
 */
export function formDialog({ title, text, fields, label, submit, reload }) {
  open(title, (close) => [
    text ? h('p', {}, text) : null,
    form({
      ...{ fields, label, cancel: close },
      async submit(values) {
        const next = await submit(values)
        close()
        next?.()
      },
      reload() {
        close()
        reload?.()
      },
    }),
  ])
}

/**
 * What is never shown again.
 * @param {{ title: string, text: string, secrets: readonly (readonly [name: string, value: string])[] }} parts
 * @returns {Promise<void>} when it was closed
 */
export function shownOnce({ title, text, secrets }) {
  const { promise, resolve } = Promise.withResolvers()
  open(
    title,
    (close) => [
      h('p', {}, text),
      ...secrets.map(([name, value]) =>
        h(
          'div',
          { class: 'secret' },
          h('span', {}, name),
          h('code', { tabindex: 0 }, value),
          button(texts.copy, () => void navigator.clipboard?.writeText(value), { described: name }),
        ),
      ),
      bar(button(texts.writtenDown, close, { kind: 'main' })),
    ],
    () => resolve(undefined),
  )
  return promise
}
