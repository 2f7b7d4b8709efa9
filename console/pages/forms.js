// @ts-check
import { Refused } from './api.js'
import { h, newId } from './elements.js'
import { explained } from './notices.js'
import { texts } from './texts.js'

/** @typedef {ReturnType<typeof valuesOf>} Values */
/** @typedef {readonly (readonly [value: string, label: string])[]} Choices */

/**
 * @param {string} label
 * @param {string | undefined} hint
 * @param {(ids: { id: string, 'aria-describedby'?: string }) => HTMLElement} control
 */
function labelled(label, hint, control) {
  const id = newId()
  const small = hint === undefined ? undefined : h('small', { id: `${id}-hint` }, hint)
  const element = control({ id, ...(small && { 'aria-describedby': small.id }) })
  return h('div', { class: 'field' }, h('label', { for: id }, label), element, small)
}

/**
 * @param {{ label: string, name: string, value?: string | number | null | undefined, hint?: string, [attribute: string]: unknown }} field
 */
export const textField = ({ label, value, hint, ...attributes }) =>
  labelled(label, hint, (ids) =>
    h('input', {
      type: 'text',
      autocomplete: 'off',
      spellcheck: 'false',
      ...attributes,
      ...ids,
      value: value ?? '',
    }),
  )

/**
 * One value in each line, or a text of several.
 * @param {{ label: string, name: string, value?: string | readonly string[], hint?: string, [attribute: string]: unknown }} field
 */
export const linesField = ({ label, value = '', hint, ...attributes }) =>
  labelled(label, hint, (ids) =>
    h(
      'textarea',
      { rows: 3, autocomplete: 'off', spellcheck: 'false', ...attributes, ...ids },
      typeof value === 'string' ? value : value.join('\n'),
    ),
  )

/** @param {{ label: string, name: string, value?: string, choices: Choices, hint?: string, [attribute: string]: unknown }} field */
export const choiceField = ({ label, value, choices, hint, ...attributes }) =>
  labelled(label, hint, (ids) =>
    h(
      'select',
      { ...attributes, ...ids },
      choices.map(([choice, said]) => h('option', { value: choice, selected: choice === value }, said)),
    ),
  )

/** @param {{ label: string, name: string, checked?: boolean, value?: string, hint?: string }} field */
export function checkField({ label, name, checked = false, value = 'on', hint }) {
  const id = newId()
  const described = hint === undefined ? {} : { 'aria-describedby': `${id}-hint` }
  return h(
    'div',
    { class: 'check' },
    h('input', { type: 'checkbox', id, name, value, checked, ...described }),
    h('label', { for: id }, label),
    hint !== undefined && h('small', { id: `${id}-hint` }, hint),
  )
}

/** @param {{ label: string, name: string, checked: readonly string[], choices: Choices }} field */
export const checksField = ({ label, name, checked, choices }) =>
  h(
    'fieldset',
    {},
    h('legend', {}, label),
    h(
      'div',
      { class: 'checks' },
      choices.map(([value, said]) =>
        checkField({ label: said, name, value, checked: checked.includes(value) }),
      ),
    ),
  )

/**
 * Shows a field only while a choice has this value.
 * @param {HTMLElement} choice
 * @param {string} value
 * @param {HTMLElement} field
 */
export function shownFor(choice, value, field) {
  const select = choice.querySelector('select')
  const settle = () => {
    field.hidden = select?.value !== value
  }
  select?.addEventListener('change', settle)
  settle()
  return field
}

/** @param {HTMLFormElement} form */
function valuesOf(form) {
  const data = new FormData(form)
  /** @param {string} name */
  const raw = (name) => String(data.get(name) ?? '')
  return {
    raw,
    /** @param {string} name */
    text: (name) => raw(name).trim(),
    /** @param {string} name */
    isOn: (name) => data.has(name),
    /** @param {string} name */
    all: (name) => data.getAll(name).map(String),
    /** @param {string} name */
    lines: (name) =>
      raw(name)
        .split(/[\n,]/)
        .map((line) => line.trim())
        .filter((line) => line !== ''),
    /** @param {string} name */
    json(name) {
      try {
        return JSON.parse(raw(name).trim() || '{}')
      } catch (error) {
        throw new Refused({ status: 0, code: 'bad_json', detail: /** @type {Error} */ (error).message })
      }
    },
    /** Undefined when nothing was typed. @param {string} name */
    number: (name) => (raw(name).trim() === '' ? undefined : Number(raw(name))),
  }
}

/**
 * Says what went wrong above its button, and takes no second press while the first is under way.
 * @param {{
 *   fields: readonly (HTMLElement | false | undefined)[],
 *   label: string,
 *   submit: (values: Values) => Promise<unknown>,
 *   reload?: (() => void) | undefined,
 *   cancel?: (() => void) | undefined,
 *   kind?: 'main' | 'danger',
 * }} parts `reload`: shows the thing as it is, once somebody else has changed it
 */
export function form({ fields, label, submit, reload, cancel, kind = 'main' }) {
  const messages = h('div', { class: 'messages', role: 'alert' })
  const press = h('button', { type: 'submit', class: kind }, label)
  /** @param {unknown} error */
  const tell = (error) => {
    const { title, detail } = explained(error)
    const isOld = error instanceof Refused && error.code === 'precondition_failed' && reload
    const again = isOld && h('button', { type: 'button', class: 'quiet', onclick: reload }, texts.showNewest)
    messages.replaceChildren(
      h('div', { class: 'message' }, h('strong', {}, title), detail && h('p', {}, detail), again),
    )
  }
  const element = h(
    'form',
    {
      async onsubmit(/** @type {SubmitEvent} */ event) {
        event.preventDefault()
        if (press.disabled) return
        press.disabled = true
        messages.replaceChildren()
        await submit(valuesOf(element)).catch(tell)
        press.disabled = false
      },
    },
    ...fields.map((field) => field || null),
    messages,
    h(
      'div',
      { class: 'bar' },
      press,
      cancel && h('button', { type: 'button', class: 'quiet', onclick: cancel }, texts.cancel),
    ),
  )
  return element
}
