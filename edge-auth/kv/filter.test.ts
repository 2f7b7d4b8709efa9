import Database from 'better-sqlite3'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Invalid } from '../../core/errors.ts'
import { type Filter, parseFilter } from './filter.ts'
import { filterSql } from './filter-sql.ts'

interface Named {
  relatedId: string
  key: string
  created: number
  updated: number
}

/** What a filter means, said a second time. */
function matches(filter: Filter, token: Named): boolean {
  switch (filter.is) {
    case 'and':
      return filter.of.every((part) => matches(part, token))
    case 'or':
      return filter.of.some((part) => matches(part, token))
    case 'present':
      return true
    case 'time':
      return ordered(filter.operator, token[filter.attribute] - filter.value)
    case 'text': {
      const [text, value] = [token[filter.attribute], filter.value]
      if (filter.operator === 'co') return text.includes(value)
      if (filter.operator === 'sw') return text.startsWith(value)
      if (filter.operator === 'ew') return text.endsWith(value)
      return ordered(filter.operator, Buffer.compare(Buffer.from(text), Buffer.from(value)))
    }
  }
}

const ordered = (operator: string, difference: number): boolean =>
  ({
    eq: difference === 0,
    ne: difference !== 0,
    gt: difference > 0,
    ge: difference >= 0,
    lt: difference < 0,
    le: difference <= 0,
  })[operator] as boolean

const text = fc.string({
  unit: fc.constantFrom('a', 'b', '.', '/', '%', '_', '*', '"', '\\', "'", '\0', 'ä', '😀'),
  maxLength: 5,
})
const time = fc.integer({ min: 0, max: 5_000 })
const orders = ['eq', 'ne', 'gt', 'ge', 'lt', 'le']
const anyCase = (word: string) => fc.constantFrom(word, word.toUpperCase())
const comparison = fc.oneof(
  fc
    .tuple(fc.constantFrom('relatedId', 'key'), fc.constantFrom(...orders, 'co', 'sw', 'ew'), text)
    .chain(([name, operator, value]) =>
      fc.tuple(anyCase(name), anyCase(operator)).map(([n, o]) => `${n} ${o} ${JSON.stringify(value)}`),
    ),
  fc
    .tuple(fc.constantFrom('created', 'updated'), fc.constantFrom(...orders), time)
    .map(([name, operator, ms]) => `${name} ${operator} "${new Date(ms).toISOString()}"`),
  fc.constantFrom('key pr', 'updated PR'),
)
const { filter: anyFilter } = fc.letrec<{ filter: string }>((tie) => ({
  filter: fc.oneof(
    { depthSize: 'small' },
    comparison,
    fc
      .tuple(tie('filter'), fc.constantFrom('and', 'or', 'AND', 'Or'), tie('filter'))
      .map(([a, word, b]) => `${a} ${word} ${b}`),
    tie('filter').map((inner) => `( ${inner})`),
  ),
}))
const named = fc.record({ relatedId: text, key: text, created: time, updated: time })

test('a filter finds in the database what it means', () => {
  const db = new Database(':memory:')
  db.exec(
    'CREATE TABLE token (id INTEGER, related_id BLOB, key BLOB, created_at INTEGER, updated_at INTEGER) STRICT',
  )
  const add = db.prepare('INSERT INTO token VALUES (?, ?, ?, ?, ?)')
  const check = (source: string, tokens: Named[]) => {
    db.exec('DELETE FROM token')
    for (const [id, { relatedId, key, created, updated }] of tokens.entries())
      add.run(id, Buffer.from(relatedId), Buffer.from(key), created, updated)
    const parsed = parseFilter(source)
    const { sql, values } = filterSql(parsed)
    const found = db
      .prepare(`SELECT id FROM token WHERE ${sql} ORDER BY id`)
      .pluck()
      .all(...values)
    expect(found).toEqual([...tokens.keys()].filter((id) => matches(parsed, tokens[id] as Named)))
  }
  fc.assert(fc.property(anyFilter, fc.array(named, { maxLength: 8 }), check), { numRuns: 1_000 })
  db.close()
})

test('and binds more closely than or', () => {
  const [a, b, c] = ['key eq "a"', 'key eq "b"', 'key eq "c"']
  expect(parseFilter(`${a} or ${b} and ${c}`)).toEqual(parseFilter(`${a} or (${b} and ${c})`))
  expect(parseFilter(`${a} and ${b} or ${c}`)).toEqual(parseFilter(`(${a} and ${b}) or ${c}`))
})

test('what somebody sends is never part of the SQL', () => {
  fc.assert(
    fc.property(anyFilter, (source) => {
      expect(filterSql(parseFilter(source)).sql).toMatch(/^[a-z_ ()<>=?,01]+$/)
    }),
  )
})

test.each([
  ['', 1, 'an attribute or "(" is expected, not the end'],
  ['key', 4, 'one of eq, ne'],
  ['key eq', 7, 'a text in double quotes is expected, not the end'],
  ['key eq a', 8, 'a text in double quotes is expected, not "a"'],
  ['key eq "a', 8, 'the text has no end'],
  ['key eq "\\x"', 8, 'not a JSON string'],
  ['key eq "\\ud800"', 8, 'half of a surrogate pair'],
  ['key is "a"', 5, 'one of eq, ne, co, sw, ew, pr, gt, ge, lt, le is expected, not "is"'],
  ['kex eq "a"', 1, 'there is no attribute kex'],
  ['value eq "a"', 1, 'there is no attribute value'],
  ['constructor eq "a"', 1, 'there is no attribute constructor'],
  ['key eq "a" key eq "b"', 12, '"and", "or" or the end is expected, not "key"'],
  ['(key eq "a"', 12, 'the ")" that belongs to the "(" at character 1 is expected'],
  ['key eq "a")', 11, '"and", "or" or the end is expected, not ")"'],
  ['key eq "a" and', 15, 'an attribute or "(" is expected'],
  ['key eq 1', 8, '"1" has no meaning here'],
  ['key = "a"', 5, '"=" has no meaning here'],
  ['updated co "2026"', 9, 'co is for relatedId and key'],
  ['updated gt "yesterday"', 12, 'a time such as'],
  ['updated gt "2026-13-01T00:00:00Z"', 12, 'a time such as'],
  [`${'('.repeat(21)}key pr${')'.repeat(21)}`, 21, 'nested more than 20 deep'],
])('%j is refused at character %i', (source, at, why) => {
  expect(() => parseFilter(source)).toThrow(`filter, character ${at}: `)
  expect(() => parseFilter(source)).toThrow(why)
})

test('whatever stands there, it is a filter or Invalid', () => {
  const parts = fc.constantFrom(
    'key',
    'eq',
    '"a"',
    '(',
    ')',
    'and',
    'or',
    ' ',
    '"',
    '\\',
    'pr',
    '\0',
    '😀',
    '1',
  )
  const anything = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(parts).map((all) => all.join('')),
  )
  const isFilterOrInvalid = (source: string) => {
    try {
      filterSql(parseFilter(source))
    } catch (error) {
      expect(error).toBeInstanceOf(Invalid)
    }
  }
  fc.assert(fc.property(anything, isFilterOrInvalid), { numRuns: 3_000 })
  isFilterOrInvalid('('.repeat(8_192))
  isFilterOrInvalid(Array(600).fill('key pr').join(' or '))
  isFilterOrInvalid('a'.repeat(8_193))
})
