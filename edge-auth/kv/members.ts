import { Invalid } from '../../core/errors.ts'

/*
 * One JSON object whose members are texts, read as it comes. The tokenizer that we have holds a text until
 * its end, even while it tells of its parts; here a part is given away as soon as it is there.
 */

export interface MemberPart {
  name: string
  /** Further characters of the member's value. */
  text: string
}

export interface MemberReader {
  /** Throws `Invalid` that says at which character. */
  push(bytes: Uint8Array): MemberPart[]
  /** Throws `Invalid` when the object is not at its end. */
  end(): MemberPart[]
}

/** Names are few and short. */
const maxNameLength = 64

type State = 'start' | 'first name' | 'name' | 'in name' | 'colon' | 'value' | 'in value' | 'next' | 'done'

export function createMemberReader(): MemberReader {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const text = createTextReader()
  let state: State = 'start'
  let name = ''
  let seen: string[] = []
  let pending = ''
  let passed = 0

  const position = (at: number) => passed + at + 1
  const structure = (at: number): void => {
    const character = pending[at] as string
    if (/[ \t\r\n]/.test(character)) return
    const next = transitions[state]?.[character]
    if (next === undefined) {
      const found = JSON.stringify(String.fromCodePoint(pending.codePointAt(at) as number))
      throw new Invalid(
        `the body, character ${position(at)}: ${expectations[state]} is expected, not ${found}`,
      )
    }
    state = next
    if (state === 'in name') name = ''
  }
  const endOfText = (parts: MemberPart[]): void => {
    if (state === 'in name') {
      if (seen.includes(name)) throw new Invalid(`the body has ${JSON.stringify(name)} twice`)
      seen = [...seen, name]
      state = 'colon'
      return
    }
    parts.push({ name, text: '' }) // an empty text is there too
    state = 'next'
  }
  const inText = (at: number, parts: MemberPart[]): number => {
    const { text: piece, next, isEnd } = text.read(pending, at, position)
    if (state === 'in name') {
      name += piece
      if (name.length > maxNameLength) throw new Invalid('the body has a member that is not known')
    } else if (piece !== '') parts.push({ name, text: piece })
    if (isEnd) endOfText(parts)
    return next
  }
  const take = (more: string): MemberPart[] => {
    pending += more
    const parts: MemberPart[] = []
    let at = 0
    while (at < pending.length) {
      const isText = state === 'in name' || state === 'in value'
      const next = isText ? inText(at, parts) : at + 1
      if (!isText) structure(at)
      if (next === at) break // half of an escape: the rest comes
      at = next
    }
    passed += at
    pending = pending.slice(at)
    return parts
  }
  const decode = (bytes: Uint8Array | undefined): string => {
    try {
      return bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode()
    } catch (cause) {
      throw new Invalid('the body is not UTF-8', { cause })
    }
  }

  return {
    push: (bytes) => take(decode(bytes)),
    end() {
      const parts = take(decode(undefined))
      if (state !== 'done' || pending !== '')
        throw new Invalid(`the body ends at character ${passed + pending.length}, before its object does`)
      return parts
    },
  }
}

const transitions: Partial<Record<State, Record<string, State>>> = {
  start: { '{': 'first name' },
  'first name': { '"': 'in name', '}': 'done' },
  name: { '"': 'in name' },
  colon: { ':': 'value' },
  value: { '"': 'in value' },
  next: { ',': 'name', '}': 'done' },
  done: {},
}

const expectations: Partial<Record<State, string>> = {
  start: '{',
  'first name': 'a name in double quotes or }',
  name: 'a name in double quotes',
  colon: ':',
  value: 'a text in double quotes',
  next: ', or }',
  done: 'nothing more',
}

/** Reads the inside of a JSON text, which may come in any parts. */
function createTextReader() {
  /** A quote, a backslash or a control character. */
  const stop = /[^ !#-[\]-\uffff]/g
  const escaped = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y
  /** The first half of a pair whose second one is to come. */
  let half = ''

  const settled = (raw: string, isEnd: boolean, at: number): string => {
    const text = half + (raw === '' ? '' : (JSON.parse(`"${raw}"`) as string))
    const isHalf = !isEnd && /[\ud800-\udbff]$/.test(text)
    half = isHalf ? text.slice(-1) : ''
    const whole = isHalf ? text.slice(0, -1) : text
    if (!whole.isWellFormed())
      throw new Invalid(`the body, before character ${at}: half of a surrogate pair is no character`)
    return whole
  }
  return {
    read(source: string, from: number, position: (at: number) => number) {
      let at = from
      for (;;) {
        stop.lastIndex = at
        const found = stop.exec(source)
        at = found?.index ?? source.length
        if (found?.[0] !== '\\') {
          if (found && found[0] !== '"')
            throw new Invalid(`the body, character ${position(at)}: a control character must be escaped`)
          const isEnd = found !== null
          const text = settled(source.slice(from, at), isEnd, position(at))
          return { text, next: isEnd ? at + 1 : at, isEnd }
        }
        escaped.lastIndex = at
        if (!escaped.test(source)) {
          if (source.length - at >= 6 || !/^\\(?:u[0-9a-fA-F]*)?$/.test(source.slice(at)))
            throw new Invalid(`the body, character ${position(at)}: this is no escape of JSON`)
          return { text: settled(source.slice(from, at), false, position(at)), next: at, isEnd: false }
        }
        at = escaped.lastIndex
      }
    },
  }
}
