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

/** Its lines may break a secret in two. */
const certificate = /-----BEGIN CERTIFICATE-----([\s\S]+?)-----END CERTIFICATE-----/g

/** Cuts known secrets in every form that they travel in, then what looks like one. */
export function createRedactor(known: Iterable<Uint8Array | string>): (text: string) => Redacted {
  const secrets = [...known].map((one) => Buffer.from(one)).filter(({ length }) => length >= shortest)
  const spellings = [...new Set(secrets.flatMap(spellingsOf))].sort((a, b) => b.length - a.length)
  return (given) => {
    let cuts = 0
    let text = given.replace(certificate, (pem, base64: string) => {
      const der = Buffer.from(base64, 'base64')
      if (!secrets.some((secret) => der.includes(secret))) return pem
      cuts++
      return cut
    })
    for (const spelling of spellings) {
      const parts = text.split(spelling)
      cuts += parts.length - 1
      if (parts.length > 1) text = parts.join(cut)
    }
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
}

/** Shorter ones would cut ordinary words. */
const shortest = 6

function spellingsOf(bytes: Buffer): string[] {
  const raw = bytes.toString()
  const isText = Buffer.from(raw).equals(bytes)
  const hex = bytes.toString('hex')
  return [
    ...(isText ? [raw, encodeURIComponent(raw), JSON.stringify(raw).slice(1, -1)] : []),
    ...[hex, hex.toUpperCase()],
    ...[0, 1, 2].flatMap((shift) => withinBase64(bytes, shift)),
  ]
}

/** What of a longer base64 text depends on the secret alone, where it begins so many bytes behind a group. */
function withinBase64(bytes: Buffer, shift: number): string[] {
  const padded = Buffer.concat([Buffer.alloc(shift), bytes])
  const inner = (text: string) => text.slice(Math.ceil((shift * 8) / 6), Math.floor((padded.length * 8) / 6))
  return [inner(padded.toString('base64')), inner(padded.toString('base64url'))]
}
