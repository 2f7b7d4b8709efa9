import type { Database } from '../../core/sqlite.ts'

interface Thing {
  type: string
  name: string
  sql: string
}

const internal = (name: string) => name.startsWith('sqlite_')
const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`

export const tablesOf = (db: Database): string[] =>
  db
    .prepare<[], string>(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`)
    .pluck()
    .all()
    .filter((name) => !internal(name))

/** SQL that makes the database anew, with what is in it. */
export function dump(db: Database): string {
  const things = db
    .prepare<[], Thing>(`SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL`)
    .all()
  const own = things.filter(({ name }) => !internal(name))
  const tables = own.filter(({ type }) => type === 'table')
  const version = db.pragma('user_version', { simple: true })
  const floor = db.pragma('application_id', { simple: true })
  return [
    'PRAGMA foreign_keys = OFF;',
    `PRAGMA user_version = ${version};`,
    `PRAGMA application_id = ${floor};`,
    ...tables.map(({ sql }) => `${sql};`),
    ...tables.flatMap(({ name }) => rowsOf(db, name)),
    ...own.filter(({ type }) => type !== 'table').map(({ sql }) => `${sql};`),
    '',
  ].join('\n')
}

function rowsOf(db: Database, table: string): string[] {
  const columns = columnsOf(db, table)
  const values = columns.map((name) => `quote(${quoted(name)})`).join(` || ', ' || `)
  const into = `INSERT INTO ${quoted(table)} (${columns.map(quoted).join(', ')}) VALUES`
  const rows = db
    .prepare<[], string>(`SELECT ${values} FROM ${quoted(table)}`)
    .pluck()
    .all()
  return rows.map((row) => `${into} (${row});`)
}

const columnsOf = (db: Database, table: string): string[] =>
  db.prepare<[string], string>(`SELECT name FROM pragma_table_info(?)`).pluck().all(table)

/** What the columns of a table hold, row by row, in an order that follows from it. */
export function contentOf(db: Database, table: string, columns: readonly string[]): string[] {
  const values = columns.map((name) => `quote(${quoted(name)})`).join(` || ', ' || `)
  return db
    .prepare<[], string>(`SELECT ${values} FROM ${quoted(table)}`)
    .pluck()
    .all()
    .sort()
}

/** Tables and their columns. */
export const shapeOf = (db: Database): Map<string, string[]> =>
  new Map(tablesOf(db).map((table) => [table, columnsOf(db, table)]))
