import { escapeHtml, page } from './page.ts'
import { loginPath } from './path.ts'
import { type Language, textsOf } from './texts.ts'

const texts = {
  en: {
    title: 'No entry',
    why: 'What you asked for is not open to you on this device. Whoever administers it can give you a role that is.',
    ask: 'To the sign-in page',
  },
  de: {
    title: 'Kein Zutritt',
    why: 'Was Sie aufgerufen haben, steht Ihnen an diesem Gerät nicht offen. Wer es verwaltet, kann Ihnen eine passende Rolle geben.',
    ask: 'Zur Anmeldeseite',
  },
} satisfies Record<Language, object>

/** Why is not said: it would tell a stranger the rules. */
export function deniedPage(language: Language, user: string | undefined): string {
  const { title, why, ask } = texts[language]
  const signedIn =
    user === undefined
      ? ''
      : `<p>${textsOf(language).signedInAs} <span class="name">${escapeHtml(user)}</span>.</p>`
  return page(
    language,
    title,
    `<h1>${title}</h1>
<p>${why}</p>
${signedIn}
<p><a href="${loginPath}">${ask}</a></p>`,
  )
}
