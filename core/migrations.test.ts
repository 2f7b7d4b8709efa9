import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openAsItIs, openDatabase, SchemaTooNew } from './sqlite.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'edgeward-migrations-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

const steps = {
  '001-initial.sql': 'CREATE TABLE a (x INTEGER NOT NULL) STRICT; INSERT INTO a VALUES (1);',
  '002-add.sql': 'ALTER TABLE a ADD COLUMN y INTEGER;',
  '003-take-away.contract-002.sql': 'CREATE TABLE b (x INTEGER) STRICT; DROP TABLE b;',
}

/** The migrations that a release knows. */
function release(count: number, files: Record<string, string> = steps): URL {
  const folder = join(dir, `release-${count}`)
  mkdirSync(folder, { recursive: true })
  for (const [name, sql] of Object.entries(files).slice(0, count)) writeFileSync(join(folder, name), sql)
  return pathToFileURL(`${folder}/`)
}

const path = () => join(dir, 'a.db')
const open = (count: number) => openDatabase(path(), { migrations: release(count) })

test('a release opens and writes what the next one has added to, and that one goes on with it', () => {
  open(2).close()
  const older = open(1)
  older.exec('INSERT INTO a (x) VALUES (2)')
  older.close()
  const newer = open(2)
  expect(newer.prepare('SELECT x, y FROM a ORDER BY x').all()).toEqual([
    { x: 1, y: null },
    { x: 2, y: null },
  ])
  newer.close()
})

test('what was taken away is refused by a release that needs it, and by no later one', () => {
  open(3).close()
  expect(() => open(1)).toThrow(SchemaTooNew)
  expect(() => open(1)).toThrow(/schema 3, for releases that know schema 2; this release knows up to 1/)
  open(2).close()
  open(3).close()
})

test('migrations without a gap, and each with a way back', () => {
  const gap = { '001-a.sql': '', '003-b.sql': '' }
  expect(() => openDatabase(path(), { migrations: release(2, gap) })).toThrow(/003-b.sql is not number 2/)
  rmSync(join(dir, 'release-2'), { recursive: true })
  const final = { '001-a.sql': '', '002-b.contract-002.sql': '' }
  expect(() => openDatabase(path(), { migrations: release(2, final) })).toThrow(/no way back/)
})

test('before a migration changes it, a database is copied whole, and the newest copy kept', () => {
  const first = open(1)
  first.pragma('wal_checkpoint(TRUNCATE)')
  first.pragma('wal_autocheckpoint = 0')
  first.exec('INSERT INTO a VALUES (7)') // in the log only
  openDatabase(path(), { migrations: release(2) }).close()
  first.close()
  const kept = join(dir, 'before-upgrade', 'a-schema1.db')
  const copy = openAsItIs(kept)
  expect(copy.pragma('user_version', { simple: true })).toBe(1)
  expect(copy.prepare('SELECT x FROM a ORDER BY x').pluck().all()).toEqual([1, 7])
  copy.close()
  expect(statSync(kept).mode & 0o777).toBe(0o600)
  open(3).close()
  expect(readdirSync(join(dir, 'before-upgrade'))).toEqual(['a-schema2.db'])
})

test('a new database, one that needs nothing, and one that says so are not copied', () => {
  open(2).close()
  open(2).close()
  openDatabase(path(), { migrations: release(3), copiedBeforeUpgrade: false }).close()
  expect(existsSync(join(dir, 'before-upgrade'))).toBe(false)
})

test('where no copy can be kept, somebody is told and the upgrade goes on', () => {
  open(1).close()
  writeFileSync(join(dir, 'before-upgrade'), 'a file in the way')
  const told: string[] = []
  openDatabase(path(), { migrations: release(2), warn: (_, message) => told.push(message) }).close()
  expect(told).toEqual(['database not copied before its upgrade'])
  expect(openAsItIs(path()).pragma('user_version', { simple: true })).toBe(2)
})
