import { encode } from 'uqr'
import { base32, inFours } from '../totp/code.ts'
import { type FormState, field, formPage, hiddenFields, usernameField } from './login-page.ts'
import { escapeHtml, page } from './page.ts'
import { codePath, enrolmentPath, loginPath, newPasswordPath } from './path.ts'
import { type Language, textsOf } from './texts.ts'

type Ticketed = FormState & { ticket: string }

const codeInput =
  'inputmode="numeric" autocomplete="one-time-code" maxlength="10" pattern="[0-9 ]*" spellcheck="false"'
const plainInput = 'autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="128"'

/** `ticket` stands for the password that was just proven. */
export function codePage(form: Ticketed): string {
  const texts = textsOf(form.language)
  const ticket = ticketField(form)
  const recovery = field(form, {
    ...{ label: texts.recoveryCode, name: 'recovery', autofocus: false, attributes: plainInput },
  })
  return formPage(form, {
    title: texts.secondFactor,
    heading: texts.secondFactor,
    how: texts.totpHow,
    action: codePath,
    fields: [
      ticket,
      field(form, { label: texts.totpCode, name: 'code', autofocus: true, attributes: codeInput }),
    ],
    button: texts.totpButton,
    after: `<details><summary>${texts.recoveryHow}</summary>
<form method="post" action="${codePath}">
${hiddenFields(form)}${ticket}
${recovery}
<button class="quiet">${texts.totpButton}</button>
</form>
</details>`,
  })
}

/** Where the secret is shown, this once. `issuer` names the box in the app. */
export function enrolmentPage(
  form: Ticketed & { secret: Uint8Array; issuer: string; username: string },
): string {
  const texts = textsOf(form.language)
  const secret = base32(form.secret)
  const link = `otpauth://totp/${encodeURIComponent(`${form.issuer}:${form.username}`)}?${new URLSearchParams({ secret, issuer: form.issuer })}`
  // Such links know no "+" for a blank.
  const uri = link.replaceAll('+', '%20')
  return formPage(form, {
    title: texts.setUp,
    heading: texts.setUp,
    how: `${texts.setUpHow}</p>
${qrCode(uri, texts.setUpPicture)}
<p>${texts.setUpByHand}<br><code>${inFours(secret, ' ')}</code></p>
<p><a href="${escapeHtml(uri)}">${texts.setUpHere}</a>`,
    action: enrolmentPath,
    fields: [
      ticketField(form),
      field(form, { label: texts.setUpCode, name: 'code', autofocus: true, attributes: codeInput }),
    ],
    button: texts.setUpButton,
  })
}

/** `onward`: where one goes from here, or the ticket for a new password. */
export function recoveryCodesPage(
  form: FormState,
  codes: readonly string[],
  onward: { path: string } | { ticket: string },
): string {
  const texts = textsOf(form.language)
  const next =
    'path' in onward
      ? `<a class="button" href="${escapeHtml(onward.path)}">${texts.goOn}</a>`
      : `<form method="post" action="${newPasswordPath}">
${hiddenFields(form)}${ticketField(onward)}
<button>${texts.goOn}</button>
</form>`
  return page(
    form.language,
    texts.recoveryTitle,
    `<h1>${texts.recoveryTitle}</h1>
<p>${texts.recoveryKeep}</p>
<ul class="codes">
${codes.map((code) => `<li><code>${code}</code></li>`).join('\n')}
</ul>
${next}`,
  )
}

/** Where people sign in elsewhere only. */
export function breakGlassPage(form: FormState, ssoPath: string): string {
  const texts = textsOf(form.language)
  return formPage(form, {
    title: texts.breakGlass,
    heading: texts.breakGlass,
    how: texts.breakGlassHow,
    action: loginPath,
    fields: [
      usernameField(form, true),
      field(form, {
        label: texts.breakGlassCode,
        name: 'password',
        autofocus: false,
        attributes: plainInput,
      }),
    ],
    button: texts.signIn,
    after: `<p><a href="${ssoPath}">${texts.toSso}</a></p>`,
  })
}

/** For the page of who is signed in. */
export function secondFactorPart(language: Language, has: boolean): string {
  const texts = textsOf(language)
  if (has) return `<p>${texts.hasSecondFactor}</p>`
  return `<a class="button quiet" href="${loginPath}?setup=1">${texts.setUp}</a>`
}

const ticketField = ({ ticket }: { ticket: string }): string =>
  `<input type="hidden" name="ticket" value="${escapeHtml(ticket)}">`

/** Dark on light in dark mode too: cameras want it so. One path, nothing that a style would be needed for. */
function qrCode(text: string, label: string): string {
  const { data, size } = encode(text, { ecc: 'M', border: 4 })
  const dark = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : [])))
  return `<svg class="qr" role="img" aria-label="${label}" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${size}v${size}h-${size}z"/><path fill="#000" d="${dark.join('')}"/></svg>`
}
