/** What stands in place of a secret. */
export const cut = '[cut]'

/** A bound for what comes before: a long line of a stranger's making would take hours. */
const secretName = String.raw`[\w.-]{0,64}(?:secret|passw(?:or)?d|passphrase|token|authorization|cookie|credentials?|private_?key|api_?key|pin-value|\biat)`
const scalar = String.raw`"(?:[^"\\]|\\.)*"`

/** What looks like a secret wherever it stands; each keeps what is before and behind. */
const forms: readonly [RegExp, string][] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, cut],
  [/\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*){0,3}/g, cut],
  [/\b(Basic|Bearer|Digest)\s+[\w.~+/=-]{6,}/gi, `$1 ${cut}`],
  [/(\/\/)[^/\s"'@]+@/g, `$1${cut}@`],
  [new RegExp(String.raw`("${secretName}"\s*:\s*)${scalar}`, 'gi'), `$1"${cut}"`],
  [new RegExp(String.raw`(\\"${secretName}\\"\s*:\s*\\")(?:[^"\\]|\\[^"])*(\\")`, 'gi'), `$1${cut}$2`],
  [new RegExp(String.raw`\b(${secretName}\s*=\s*)(?:${scalar}|[^\s"'&,;]+)`, 'gi'), `$1${cut}`],
  [new RegExp(String.raw`\b(${secretName}: +)[^\s"'&,;]{6,}`, 'gi'), `$1${cut}`],
]

export interface Redacted {
  text: string
  /** How often something was cut. */
  cuts: number
}

/** Without what looks like a secret. */
export function withoutSecretForms(given: string): Redacted {
  let text = given
  let cuts = 0
  for (const [form, instead] of forms) {
    text = text.replace(form, (...match: string[]) => {
      const found = match[0] as string
      if (found.includes(cut)) return found
      cuts++
      return instead.replaceAll(/\$(\d)/g, (_, group: string) => match[Number(group)] ?? '')
    })
  }
  return { text, cuts }
}
