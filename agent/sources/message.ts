import { parseExact, stringifyExact } from '../../core/json.ts'

/** What an app sent: bytes, as the broker has them, or a JSON document that came within another. */
export type Payload = Buffer | { document: unknown }

/** A payload, decoded once for all points that are bound to its topic. */
export interface Message {
  /** Undefined when it came as a document. */
  readonly bytes: Buffer | undefined
  /** Undefined when the payload is not UTF-8. */
  text(): string | undefined
  /** Undefined when the text is not JSON. */
  json(): { document: unknown } | undefined
}

export const messageOf = (payload: Payload): Message =>
  Buffer.isBuffer(payload) ? decode(payload) : ofDocument(payload.document)

function decode(payload: Buffer): Message {
  let decoded: { text: string | undefined } | undefined
  let parsed: { document: unknown } | undefined | null = null
  const text = () => {
    decoded ??= { text: utf8(payload) }
    return decoded.text
  }
  return {
    bytes: payload,
    text,
    json() {
      if (parsed === null) parsed = parse(text())
      return parsed
    },
  }
}

/** Text within a document is meant as it is, without the quotes around it. */
const ofDocument = (document: unknown): Message => ({
  bytes: undefined,
  text: () => (typeof document === 'string' ? document : stringifyExact(document)),
  json: () => ({ document }),
})

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function utf8(payload: Buffer): string | undefined {
  try {
    return decoder.decode(payload)
  } catch {
    return undefined
  }
}

function parse(text: string | undefined): { document: unknown } | undefined {
  if (text === undefined) return undefined
  try {
    return { document: parseExact(text) }
  } catch {
    return undefined // also nesting that is too deep for the stack
  }
}
