import { cut, type Redacted, withoutSecretForms } from '../../core/redaction.ts'

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
    const rest = withoutSecretForms(text)
    return { text: rest.text, cuts: cuts + rest.cuts }
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
