import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string): string => readFileSync(`${root}/${path}`, 'utf8')

/** Each group with how many rows it has. */
const groups = { I: 15, S: 15, L: 15, R: 8, O: 17, A: 7, T: 6, G: 6, K: 5, P: 1 }
const ids = Object.entries(groups).flatMap(([group, rows]) =>
  Array.from({ length: rows }, (_, index) => `${group}-${index + 1}`),
)

interface Row {
  id: string
  state: string
  proof: string
}

function rowsOf(page: string): Row[] {
  const lines = read(page).matchAll(
    /^\| (?<id>[A-Z]-\d+) \| .+? \| (?<state>\w+) \| .+? \| (?<proof>.+) \|$/gm,
  )
  return Array.from(lines, ({ groups }) => groups as unknown as Row)
}

/** `file` “title” pairs. */
const proofsOf = (text: string) =>
  Array.from(
    text.matchAll(/`([\w./-]+\.test\.ts)` ((?:“[^”]+”(?:, )?)+)/g),
    ([, file = '', titles = '']) => ({
      file,
      titles: Array.from(titles.matchAll(/“([^”]+)”/g), ([, title = '']) => title),
    }),
  )

/** Titles that a test file gives to its tests and groups of them: texts before a function. */
const known = new Map<string, Set<string>>()
function titlesIn(file: string): Set<string> {
  const before = known.get(file)
  if (before) return before
  if (!existsSync(`${root}/${file}`)) return new Set()
  const found = Array.from(
    read(file).matchAll(/(['"`])((?:\\.|(?!\1)[^\\\n])*)\1,\s*(?:\{[^}]*\},\s*)?(?:async\s*)?(?:\(|\w+ =>)/g),
    ([, , title = '']) => title,
  )
  const titles = new Set(found)
  known.set(file, titles)
  return titles
}

/** A title in a group is `group › title`. */
const missing = (text: string): string[] =>
  proofsOf(text).flatMap(({ file, titles }) =>
    titles
      .filter((title) => !title.split(' › ').every((part) => titlesIn(file).has(part)))
      .map((title) => `${file}: ${title}`),
  )

const rows = rowsOf('docs/features.md')

test('every row is there once, and says what became of it', () => {
  expect(rows.map(({ id }) => id)).toEqual(ids)
  expect(rows.filter(({ state }) => !['IN', 'LITE', 'OUT'].includes(state))).toEqual([])
})

test('what is in has a test; what is reduced or out says how or why', () => {
  const withoutTest = rows.filter(({ state, proof }) => state === 'IN' && proofsOf(proof).length === 0)
  const withoutReason = rows.filter(({ state, proof }) => state !== 'IN' && proof.startsWith('`'))
  expect([...withoutTest, ...withoutReason]).toEqual([])
})

test.each(['features.md', 'offline.md'])('the tests that %s names are there, by these titles', (page) => {
  const text = read(`docs/${page}`)
  expect(proofsOf(text).length).toBeGreaterThan(5)
  expect(missing(text)).toEqual([])
})
