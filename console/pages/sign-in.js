// @ts-check
/** @import {Api} from './api.js' */
/** @import {Session} from './answers.js' */
import { Refused } from './api.js'
import { h } from './elements.js'
import { form, textField } from './forms.js'
import { texts } from './texts.js'

/**
 * Name and password, and where the box asks for it the code of the second factor.
 * @param {{ api: Api, why?: string | undefined }} deps `why`: what has led here
 * @param {(session: Session) => void} onOpen
 */
export function signInPage({ api, why }, onOpen) {
  const page = h('main', { class: 'sign-in' })
  const heading = () => h('h1', {}, texts.signIn, h('small', {}, texts.administration))
  const names = { autocapitalize: 'none', required: true }

  /** To be typed again. */
  const emptied = (/** @type {string} */ name) => {
    const typed = page.querySelector(`input[name=${name}]`)
    if (!(typed instanceof HTMLInputElement)) return
    typed.value = ''
    typed.focus()
  }

  /** @param {{ username: string, password: string }} proven */
  const askCode = (proven) => {
    const hint = texts.codeHint
    const code = { label: texts.code, name: 'totp', autocomplete: 'one-time-code', hint, ...names }
    page.replaceChildren(
      h('h1', {}, texts.secondFactor, h('small', {}, proven.username)),
      form({
        fields: [textField(code)],
        label: texts.signIn,
        async submit(values) {
          try {
            onOpen(await api.open({ ...proven, totp: values.text('totp') }))
          } catch (error) {
            emptied('totp')
            throw error
          }
        },
        cancel: askPassword,
      }),
    )
    page.querySelector('input')?.focus()
  }

  const askPassword = () => {
    page.replaceChildren(
      heading(),
      ...(why ? [h('p', { class: 'message', role: 'alert' }, why)] : []),
      form({
        fields: [
          textField({
            label: texts.username,
            name: 'username',
            autocomplete: 'username',
            maxlength: 128,
            ...names,
          }),
          textField({
            ...{ label: texts.password, name: 'password', type: 'password', required: true },
            autocomplete: 'current-password',
          }),
        ],
        label: texts.signIn,
        async submit(values) {
          const proven = { username: values.text('username'), password: values.raw('password') }
          try {
            onOpen(await api.open(proven))
          } catch (error) {
            if (error instanceof Refused && error.code === 'totp_required') return askCode(proven)
            emptied('password')
            throw error
          }
        },
      }),
    )
    page.querySelector('input')?.focus()
  }
  askPassword()
  return page
}
