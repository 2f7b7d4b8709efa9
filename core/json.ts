import { Invalid } from './errors.ts'

/** Parses JSON text that came from outside; throws `Invalid`, never SyntaxError. */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Invalid(`${what} is not JSON: ${(cause as Error).message}`, { cause })
  }
}

/** JSON.parse that keeps every digit: whole numbers beyond 2^53 become bigint. Throws SyntaxError. */
export function parseExact(text: string): unknown {
  // the reviver is several times slower
  return /\d{16}/.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text)
}

/** The text of what `parseExact` gives. */
export const stringifyExact = (document: unknown): string => JSON.stringify(document, withDigits)

const keepDigits = (_key: string, value: unknown, context?: { source?: string }): unknown =>
  typeof value === 'number' && context?.source !== undefined ? exact(context.source) : value

/** Decimal digits without loss. More digits than 64 bits have stay a number: no type takes them exactly. */
export function exact(digits: string): number | bigint {
  const value = Number(digits)
  return !Number.isSafeInteger(value) && /^-?\d{1,20}$/.test(digits) ? BigInt(digits) : value
}

const withDigits = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? rawJSON(String(value)) : value

/** The compiler's library does not know it yet. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown }
