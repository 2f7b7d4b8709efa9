import type { SsoRefusal } from '../sso/index.ts'
import { escapeHtml, page } from './page.ts'
import { loginPath } from './path.ts'
import type { Language } from './texts.ts'

const english = {
  leaving: 'One moment',
  goOn: 'Go on to {provider}',
  linked: 'Linked',
  linkedHow: 'From now on you can sign in by {provider}, too.',
  toSignIn: 'To the sign-in page',
  again: 'Try again',
  with: 'Sign in with {provider}',
  link: 'Link with {provider}',
  expired: ['Please try again', 'Signing in took too long, or it was begun in another browser.'],
  no_access: [
    'No access',
    'You have signed in, but nothing lets you into this device. Whoever administers it can change that.',
  ],
  name_taken: [
    'This name is taken',
    'There is a user of your name on this device already, and nobody knows that it is you. If it is, sign in with the password of this device and link the two accounts there; otherwise ask whoever administers the device.',
  ],
  no_name: ['No name', 'The provider does not say what you are called. Ask whoever administers this device.'],
  user_disabled: ['No access', 'Your account on this device is disabled.'],
  linked_already: ['Not linked', 'This account of the provider is linked to a user already.'],
  unreachable: [
    'The provider cannot be reached',
    'Signing in elsewhere does not work at the moment. Who has a password on this device can use it.',
  ],
  failed: ['That did not work', 'The provider has answered something unexpected. Please try again.'],
} satisfies Record<SsoRefusal, [string, string]> & Record<string, string | [string, string]>

const german: typeof english = {
  leaving: 'Einen Moment',
  goOn: 'Weiter zu {provider}',
  linked: 'Verknüpft',
  linkedHow: 'Von jetzt an können Sie sich auch über {provider} anmelden.',
  toSignIn: 'Zur Anmeldeseite',
  again: 'Noch einmal versuchen',
  with: 'Mit {provider} anmelden',
  link: 'Mit {provider} verknüpfen',
  expired: [
    'Bitte noch einmal versuchen',
    'Die Anmeldung hat zu lange gedauert oder in einem anderen Browser begonnen.',
  ],
  no_access: [
    'Kein Zugang',
    'Sie haben sich angemeldet, aber nichts lässt Sie an dieses Gerät. Wer es verwaltet, kann das ändern.',
  ],
  name_taken: [
    'Dieser Name ist vergeben',
    'An diesem Gerät gibt es schon einen Benutzer Ihres Namens, und niemand weiß, dass Sie es sind. Wenn Sie es sind, melden Sie sich mit dem Passwort dieses Geräts an und verknüpfen Sie dort die beiden Konten; sonst fragen Sie, wer das Gerät verwaltet.',
  ],
  no_name: ['Kein Name', 'Der Anbieter sagt nicht, wie Sie heißen. Fragen Sie, wer dieses Gerät verwaltet.'],
  user_disabled: ['Kein Zugang', 'Ihr Konto an diesem Gerät ist gesperrt.'],
  linked_already: ['Nicht verknüpft', 'Dieses Konto des Anbieters ist schon mit einem Benutzer verknüpft.'],
  unreachable: [
    'Der Anbieter ist nicht erreichbar',
    'Die Anmeldung über ihn geht im Moment nicht. Wer an diesem Gerät ein Passwort hat, kann es benutzen.',
  ],
  failed: ['Das ging nicht', 'Der Anbieter hat etwas Unerwartetes geantwortet. Bitte noch einmal versuchen.'],
}

const textsOf = (language: Language): typeof english => (language === 'de' ? german : english)
const fill = (text: string, provider: string): string => text.replace('{provider}', escapeHtml(provider))

/** Why it did not work, and where to go from here. */
export function ssoRefusedPage(language: Language, reason: SsoRefusal, again: string | undefined): string {
  const texts = textsOf(language)
  const [title, why] = texts[reason]
  const retry = again === undefined ? '' : `\n<p><a href="${escapeHtml(again)}">${texts.again}</a></p>`
  return page(
    language,
    title,
    `<h1>${title}</h1>
<p role="alert">${why}</p>${retry}
<p><a href="${loginPath}?local=1">${texts.toSignIn}</a></p>`,
  )
}

export function ssoLinkedPage(language: Language, provider: string): string {
  const texts = textsOf(language)
  return page(
    language,
    texts.linked,
    `<h1>${texts.linked}</h1>
<p>${fill(texts.linkedHow, provider)}</p>
<p><a href="${loginPath}">${texts.toSignIn}</a></p>`,
  )
}

/**
 * Sends the browser on after a form: a form of ours may lead to our own pages only, and browsers hold
 * redirects to that.
 */
export function leavingPage(language: Language, url: URL, provider: string): string {
  const texts = textsOf(language)
  const href = escapeHtml(url.href)
  return page(
    language,
    texts.leaving,
    `<meta http-equiv="refresh" content="0;url=${href}">
<h1>${texts.leaving}</h1>
<p><a href="${href}">${fill(texts.goOn, provider)}</a></p>`,
  )
}

export interface Button {
  name: string
  label: string | undefined
  providerName: string
}

/** For below the form of the login page. */
export function ssoButtons(language: Language, providers: readonly Button[], rd: string | undefined): string {
  return providers
    .map(({ name, label, providerName }) => {
      const query = new URLSearchParams({ provider: name, ...(rd === undefined ? {} : { rd }) })
      const text = label === undefined ? fill(textsOf(language).with, providerName) : escapeHtml(label)
      return `<a class="button quiet" href="${ssoStartPath}?${escapeHtml(query.toString())}">${text}</a>`
    })
    .join('\n')
}

/** For the page of who is signed in. */
export function ssoLinkButtons(language: Language, providers: readonly Button[]): string {
  const text = textsOf(language).link
  return providers
    .map(
      ({ name, providerName }) =>
        `<form method="post" action="${ssoLinkPath}?provider=${encodeURIComponent(name)}"><button class="quiet">${fill(text, providerName)}</button></form>`,
    )
    .join('\n')
}

export const ssoPath = '/device/edge/auth/sso'
export const ssoStartPath = `${ssoPath}/start`
export const ssoLinkPath = `${ssoPath}/link`
