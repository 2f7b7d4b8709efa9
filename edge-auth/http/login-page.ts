import type { PasswordRules } from '../users/passwords.ts'
import { escapeHtml, page } from './page.ts'
import { loginPath, logoutPath, newPasswordPath } from './path.ts'
import { fill, type Language, type Texts, textsOf } from './texts.ts'

export interface FormState {
  /** Name and value of what the form says beside what is typed. */
  hidden?: readonly [name: string, value: string] | undefined
  language: Language
  /** Double-submit token; the cookie holds the same. */
  formToken: string
  /** Where to go afterwards, if anywhere. */
  rd: string | undefined
  rules: PasswordRules
  /** What was typed before, but never a password or code. */
  username?: string
  message?: Message | undefined
  /** Above the form, in words. */
  how?: keyof Texts | undefined
  /** HTML: how to sign in elsewhere. */
  elsewhere?: string
}

/** Why a form comes back. */
export interface Message {
  text: keyof Texts
  /** For the places in the text. */
  values?: Readonly<Record<string, number>>
  /** Names of the fields that it is about. */
  fields: readonly string[]
}

export function signInPage(form: FormState): string {
  const texts = textsOf(form.language)
  const typed = (form.username ?? '') !== ''
  return formPage(form, {
    title: texts.signIn,
    heading: `${texts.signIn} <small>${texts.device}</small>`,
    ...(form.how && { how: texts[form.how] }),
    action: loginPath,
    fields: [
      usernameField(form, !typed),
      field(form, {
        ...{ label: texts.password, name: 'password', autofocus: typed },
        attributes: 'type="password" autocomplete="current-password"',
      }),
    ],
    button: texts.signIn,
    after: form.elsewhere,
  })
}

export function firstAdminPage(form: FormState): string {
  const texts = textsOf(form.language)
  return formPage(form, {
    title: texts.firstAdmin,
    heading: texts.firstAdmin,
    how: texts.firstAdminHow,
    action: loginPath,
    fields: [
      field(form, {
        ...{ label: texts.code, name: 'code', autofocus: true },
        attributes: 'autocomplete="off" autocapitalize="none" spellcheck="false"',
      }),
      usernameField(form, false),
      newPasswordField(form, texts.password, 'password', false),
    ],
    button: texts.create,
  })
}

/** `ticket` stands for the old password that was just proven. */
export function newPasswordPage(form: FormState & { ticket: string }): string {
  const texts = textsOf(form.language)
  // Hidden, so that a password manager knows whose password it keeps.
  const user = `<input name="username" autocomplete="username" value="${escapeHtml(form.username ?? '')}" hidden>`
  return formPage(form, {
    title: texts.newPassword,
    heading: texts.newPassword,
    how: texts.newPasswordHow,
    action: newPasswordPath,
    fields: [
      `<input type="hidden" name="ticket" value="${escapeHtml(form.ticket)}">${user}`,
      newPasswordField(form, texts.newPassword, 'password', true),
      field(form, {
        ...{ label: texts.repeatPassword, name: 'repeated', autofocus: false },
        attributes: 'type="password" autocomplete="new-password"',
      }),
    ],
    button: texts.savePassword,
  })
}

export function signedInPage(
  language: Language,
  user: string,
  roles: readonly string[],
  /** HTML, below the rest. */
  further = '',
): string {
  const texts = textsOf(language)
  return page(
    language,
    texts.signedInAs,
    `<h1>${texts.signedInAs} <span class="name">${escapeHtml(user)}</span></h1>
<p>${texts.roles}: ${roles.map(escapeHtml).join(', ')}</p>
<form method="post" action="${logoutPath}"><button>${texts.signOut}</button></form>
<form method="post" action="${logoutPath}?everywhere=1"><button class="quiet">${texts.signOutEverywhere}</button></form>
${further}`,
  )
}

export interface FormParts {
  title: string
  heading: string
  /** HTML. */
  how?: string
  action: string
  fields: readonly string[]
  button: string
  /** HTML, below the form. */
  after?: string | undefined
}

/** A message stands in the title too: that is what a screen reader says first. */
export function formPage(
  form: FormState,
  { title, heading, how, action, fields, button, after = '' }: FormParts,
): string {
  const { language, message } = form
  const said = message && fill(textsOf(language)[message.text], message.values ?? {})
  const alert = said === undefined ? '' : `<p class="message" id="message" role="alert">${said}</p>`
  const explanation = how === undefined ? '' : `<p>${how}</p>`
  return page(
    language,
    said === undefined ? title : `${said} – ${title}`,
    `<h1>${heading}</h1>
${explanation}${alert}
<form method="post" action="${action}">
${hiddenFields(form)}
${fields.join('\n')}
<button>${button}</button>
</form>
${after}`,
  )
}

/** What each form of a page sends without being typed. */
export function hiddenFields({ formToken, rd, hidden }: FormState): string {
  const fields = [
    ['form_token', formToken],
    ...(rd === undefined ? [] : [['rd', rd]]),
    ...(hidden ? [hidden] : []),
  ]
  return fields
    .map(([name, value]) => `<input type="hidden" name="${name}" value="${escapeHtml(value as string)}">`)
    .join('')
}

export const usernameField = (form: FormState, autofocus: boolean): string =>
  field(form, {
    ...{ label: textsOf(form.language).username, name: 'username', autofocus },
    attributes: `autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="128" value="${escapeHtml(form.username ?? '')}"`,
  })

function newPasswordField(form: FormState, label: string, name: string, autofocus: boolean): string {
  const { minLength, strong } = form.rules
  const texts = textsOf(form.language)
  const hint = fill(strong ? texts.strongPasswordRule : texts.passwordRule, { min: minLength })
  const attributes = `type="password" autocomplete="new-password" minlength="${minLength}"`
  return field(form, { label, name, autofocus, attributes, hint })
}

interface Field {
  label: string
  name: string
  attributes: string
  autofocus: boolean
  hint?: string
}

export function field({ message }: FormState, { label, name, attributes, autofocus, hint }: Field): string {
  const wrong = message?.fields.includes(name) ?? false
  const described = [wrong && 'message', hint !== undefined && `${name}-hint`].filter((id) => id !== false)
  const state = [
    autofocus && ' autofocus',
    wrong && ' aria-invalid="true"',
    described.length > 0 && ` aria-describedby="${described.join(' ')}"`,
  ].filter((part) => part !== false)
  const small = hint === undefined ? '' : `\n<small id="${name}-hint">${hint}</small>`
  return `<label for="${name}">${label}</label>
<input id="${name}" name="${name}" required ${attributes}${state.join('')}>${small}`
}
