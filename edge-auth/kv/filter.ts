import { Invalid } from '../../core/errors.ts'

/*
 * Filters as SCIM writes them (RFC 7644 3.4.2.2): `relatedId eq "a" and (key sw "b" or updated gt "2026-…")`.
 * `and` binds more closely than `or`; names and operators may be in capitals.
 */

export type TextAttribute = 'relatedId' | 'key'
export type TimeAttribute = 'created' | 'updated'
export type Order = 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le'
export type Part = 'co' | 'sw' | 'ew'

export type Filter =
  | { is: 'and' | 'or'; of: Filter[] }
  | { is: 'present' }
  | { is: 'text'; attribute: TextAttribute; operator: Order | Part; value: string }
  | { is: 'time'; attribute: TimeAttribute; operator: Order; value: number }

const maxLength = 8_192
const maxDepth = 20
const maxTerms = 200

const texts: Record<string, TextAttribute> = { relatedid: 'relatedId', key: 'key' }
const times: Record<string, TimeAttribute> = { created: 'created', updated: 'updated' }
const orders: readonly string[] = ['eq', 'ne', 'gt', 'ge', 'lt', 'le']
const parts: readonly string[] = ['co', 'sw', 'ew']

interface Lexeme {
  is: '(' | ')' | 'word' | 'text' | 'end'
  /** A word as it stands, a text without its quotes and escapes. */
  text: string
  /** Of its first character, from 1. */
  at: number
}

/** Throws `Invalid` that says what was expected, and at which character. */
export function parseFilter(source: string): Filter {
  if (source.length > maxLength) throw new Invalid(`the filter has more than ${maxLength} characters`)
  const symbols = read(source)
  let next = 0
  let terms = 0
  const peek = (): Lexeme => symbols[next] as Lexeme
  const take = (): Lexeme => symbols[next++] as Lexeme
  const isWord = (word: string) => peek().is === 'word' && peek().text.toLowerCase() === word

  const joined = (is: 'and' | 'or', operand: () => Filter): Filter => {
    const of = [operand()]
    while (isWord(is)) {
      take()
      of.push(operand())
    }
    return of.length === 1 ? (of[0] as Filter) : { is, of }
  }
  const either = (depth: number): Filter =>
    joined('or', () => joined('and', () => (peek().is === '(' ? group(depth + 1) : comparison())))

  const group = (depth: number): Filter => {
    const { at } = take()
    if (depth > maxDepth) throw fault(at, `parentheses are nested more than ${maxDepth} deep`)
    const inner = either(depth)
    if (peek().is !== ')')
      throw expected(peek(), `"and", "or" or the ")" that belongs to the "(" at character ${at}`)
    take()
    return inner
  }
  const comparison = (): Filter => {
    const attribute = take()
    if (attribute.is !== 'word') throw expected(attribute, 'an attribute or "("')
    if (++terms > maxTerms) throw fault(attribute.at, `the filter has more than ${maxTerms} comparisons`)
    const name = attribute.text.toLowerCase()
    if (!Object.hasOwn(texts, name) && !Object.hasOwn(times, name))
      throw fault(
        attribute.at,
        `there is no attribute ${attribute.text}; there are relatedId, key, created, updated`,
      )
    const operator = take()
    const word = operator.is === 'word' ? operator.text.toLowerCase() : ''
    if (word === 'pr') return { is: 'present' }
    if (!orders.includes(word) && !parts.includes(word))
      throw expected(operator, 'one of eq, ne, co, sw, ew, pr, gt, ge, lt, le')
    const value = take()
    if (value.is !== 'text') throw expected(value, 'a text in double quotes')
    return compared(name, operator, value)
  }

  const filter = either(0)
  if (peek().is !== 'end') throw expected(peek(), '"and", "or" or the end')
  return filter
}

function compared(name: string, operator: Lexeme, { text, at }: Lexeme): Filter {
  const word = operator.text.toLowerCase()
  const attribute = texts[name]
  if (attribute !== undefined) return { is: 'text', attribute, operator: word as Order | Part, value: text }
  if (parts.includes(word)) throw fault(operator.at, `${word} is for relatedId and key, not for times`)
  const value = isTime.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(value)) throw fault(at, 'a time such as "2026-11-22T08:30:00Z" is expected')
  return { is: 'time', attribute: times[name] as TimeAttribute, operator: word as Order, value }
}

/** RFC 3339; Date.parse alone takes almost anything. */
const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/

function read(source: string): Lexeme[] {
  const symbols: Lexeme[] = []
  const form = /[ \t\r\n]+|([()])|("(?:[^"\\]|\\.)*")|([A-Za-z][A-Za-z0-9._$:-]*)/suy
  while (form.lastIndex < source.length) {
    const start = form.lastIndex
    const found = form.exec(source)
    if (!found) throw unreadable(source, start)
    const [, bracket, quoted, word] = found
    const at = start + 1
    if (bracket !== undefined) symbols.push({ is: bracket as '(' | ')', text: bracket, at })
    if (quoted !== undefined) symbols.push({ is: 'text', text: unquote(quoted, at), at })
    if (word !== undefined) symbols.push({ is: 'word', text: word, at })
  }
  symbols.push({ is: 'end', text: '', at: source.length + 1 })
  return symbols
}

function unquote(quoted: string, at: number): string {
  let text: string
  try {
    text = JSON.parse(quoted)
  } catch {
    throw fault(at, 'the text is not a JSON string')
  }
  if (!text.isWellFormed()) throw fault(at, 'the text has half of a surrogate pair')
  return text
}

const unreadable = (source: string, start: number): Invalid =>
  source[start] === '"'
    ? fault(start + 1, 'the text has no end')
    : fault(
        start + 1,
        `${shown(String.fromCodePoint(source.codePointAt(start) as number))} has no meaning here`,
      )

function expected({ is, text, at }: Lexeme, what: string): Invalid {
  const found = is === 'end' ? 'the end' : is === 'text' ? `the text ${shown(text)}` : shown(text)
  return fault(at, `${what} is expected, not ${found}`)
}

const shown = (text: string): string =>
  JSON.stringify(text.length > 40 ? `${[...text].slice(0, 40).join('')}…` : text)

const fault = (at: number, message: string): Invalid => new Invalid(`filter, character ${at}: ${message}`)
