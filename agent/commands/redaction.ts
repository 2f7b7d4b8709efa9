import { cut, withoutSecretForms } from '../../core/redaction.ts'

/** What leaves the box must not hold a secret, whoever wrote it. */
export function redacted(value: unknown): unknown {
  if (typeof value === 'string') return redactedText(value)
  if (Array.isArray(value)) return value.map(redacted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, held]) => [name, isSecret(name) ? withoutTexts(held) : redacted(held)]),
  )
}

/** A line of the log, which is JSON. */
export function redactedLine(line: string): string {
  try {
    return JSON.stringify(redacted(JSON.parse(line)))
  } catch {
    return redactedText(line)
  }
}

/** Numbers and truth values are settings that only have the name of a secret: how long one lives. */
const withoutTexts = (held: unknown): unknown => {
  if (typeof held === 'string') return cut
  return Array.isArray(held) ? held.map(withoutTexts) : redacted(held)
}

/** Not the names of files that hold secrets. */
const isSecret = (name: string): boolean =>
  /passw(or)?d|secret|token|authorization|cookie|private_?key|api_?key|^iat$/i.test(name) &&
  !/file$/i.test(name)

const redactedText = (text: string): string => withoutSecretForms(text).text
