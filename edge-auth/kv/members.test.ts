import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createMemberReader } from './members.ts'

/** Reads a body that comes cut at these places. */
function read(body: Uint8Array | string, cuts: readonly number[] = []): Record<string, string> {
  const bytes = Buffer.from(body)
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  const reader = createMemberReader()
  const parts = places.slice(1).flatMap((end, at) => reader.push(bytes.subarray(places[at], end)))
  const members: Record<string, string> = Object.create(null)
  for (const { name, text } of [...parts, ...reader.end()]) members[name] = (members[name] ?? '') + text
  return members
}

/** Any character may be escaped in JSON. */
const written = (text: string, escapes: readonly boolean[]): string =>
  `"${text
    .split('')
    .map((unit, at) =>
      escapes[at % escapes.length]
        ? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
        : JSON.stringify(unit).slice(1, -1),
    )
    .join('')}"`

test('whatever the texts, the order, the escapes and the cuts, what comes out is what was written', () => {
  const texts = fc.string({ unit: 'binary', maxLength: 60 })
  const all = fc.boolean()
  const cuts = fc.array(fc.nat(2_000), { maxLength: 40 })
  fc.assert(
    fc.property(
      fc.tuple(texts, texts, texts),
      fc.shuffledSubarray(['relatedId', 'key', 'value'], { minLength: 3 }),
      fc.boolean(),
      cuts,
      all,
      ([relatedId, key, value], order, isEscaped, places, isSpaced) => {
        const members: Record<string, string> = { relatedId, key, value }
        const gap = isSpaced ? ' \n\t\r' : ''
        const text = (name: string) =>
          isEscaped ? written(members[name] as string, [true]) : JSON.stringify(members[name])
        const body = `${gap}{${order.map((name) => `${gap}"${name}"${gap}:${gap}${text(name)}${gap}`).join(',')}}${gap}`
        expect({ ...read(body, places) }).toEqual(members)
      },
    ),
    { numRuns: 500 },
  )
})

test('half of a surrogate pair is refused wherever the cut is, and a pair in two escapes is one character', () => {
  const pair = '{"value":"a\\ud83d\\ude00b"}'
  const broken = ['{"value":"a\\ud83d"}', '{"value":"\\ude00"}', '{"value":"\\ud83d\\ud83d\\ude00"}']
  for (let cut = 0; cut <= pair.length; cut++) expect(read(pair, [cut])).toEqual({ value: 'a😀b' })
  for (const body of broken)
    for (let cut = 0; cut <= body.length; cut++)
      expect(() => read(body, [cut]), `${body} cut at ${cut}`).toThrow('half of a surrogate pair')
})

test.each([
  ['', 'ends at character 0'],
  ['[]', 'character 1: { is expected, not "["'],
  ['{"value" 1}', 'character 10: : is expected, not "1"'],
  ['{"value":1}', 'character 10: a text in double quotes is expected, not "1"'],
  ['{"value":null}', 'character 10: a text in double quotes is expected, not "n"'],
  ['{"value":{"a":"b"}}', 'character 10: a text in double quotes is expected, not "{"'],
  ['{"value":"a",}', 'character 14: a name in double quotes is expected, not "}"'],
  ['{"value":"a"', 'ends at character 12'],
  ['{"value":"a\\', 'ends at character 12'],
  ['{"value":"a"}x', 'character 14: nothing more is expected, not "x"'],
  ['{"value":"a"} {}', 'character 15: nothing more is expected, not "{"'],
  ['{"value":"a\\x"}', 'character 12: this is no escape of JSON'],
  ['{"value":"a\\u00g0"}', 'character 12: this is no escape of JSON'],
  ['{"value":"a\nb"}', 'character 12: a control character must be escaped'],
  ['{"value":"a","value":"b"}', 'has "value" twice'],
  [`{"${'n'.repeat(65)}":"a"}`, 'a member that is not known'],
])('%j is refused: %s', (body, why) => {
  expect(() => read(body)).toThrow(why)
  const everywhere = [...body].map((_, at) => at)
  expect(() => read(body, everywhere)).toThrow(why)
})

test('bytes that are no UTF-8 are refused, also at the end', () => {
  for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]])
    expect(() => read(Buffer.from([...Buffer.from('{"value":"'), ...bytes, ...Buffer.from('"}')]))).toThrow(
      'not UTF-8',
    )
  expect(() => read(Buffer.from([...Buffer.from('{"value":"a"}'), 0xc3]))).toThrow('not UTF-8')
})

test('what JSON.parse takes as an object of texts is taken, and nothing else', () => {
  const token = fc.constantFrom(...'{}:,"\\ \t', '"value"', '"a"', '""', '\\n', '\\u0041', 'x', '1', 'null')
  fc.assert(
    fc.property(fc.array(token, { maxLength: 12 }), (tokens) => {
      const body = tokens.join('')
      let taken: unknown
      try {
        taken = { ...read(body) }
      } catch {}
      let parsed: unknown
      try {
        parsed = JSON.parse(body)
      } catch {}
      const isOfTexts =
        typeof parsed === 'object' &&
        parsed !== null &&
        Object.values(parsed).every((v) => typeof v === 'string')
      if (taken !== undefined) expect(taken).toEqual(parsed)
      else if (isOfTexts) expect(() => read(body)).toThrow(/twice|surrogate/)
    }),
    { numRuns: 3_000 },
  )
})
