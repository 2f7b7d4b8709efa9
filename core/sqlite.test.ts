import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { lockState, openDatabase, StateInUse } from './sqlite.ts'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'edgeward-sqlite-'))
})
afterAll(() => rmSync(dir, { recursive: true }))

function migrations(name: string, ...steps: string[]): URL {
  const folder = join(dir, name)
  mkdirSync(folder, { recursive: true })
  for (const [index, sql] of steps.entries()) writeFileSync(join(folder, `00${index + 1}-step.sql`), sql)
  return pathToFileURL(`${folder}/`)
}

const create = 'CREATE TABLE a (x INTEGER NOT NULL) STRICT;'

test('migrations run once, in order, and the file belongs to its owner alone', () => {
  const path = join(dir, 'a.db')
  openDatabase(path, { migrations: migrations('one', create) }).close()
  const db = openDatabase(path, { migrations: migrations('one', create, 'INSERT INTO a VALUES (1);') })
  expect(db.prepare('SELECT x FROM a').pluck().all()).toEqual([1])
  expect(db.pragma('synchronous', { simple: true })).toBe(2)
  db.close()
  openDatabase(path, { migrations: migrations('one') }).close()
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('a migration that fails leaves the schema that was there', () => {
  const path = join(dir, 'b.db')
  const broken = migrations('two', create, 'INSERT INTO a VALUES (1); INSERT INTO nowhere VALUES (1);')
  expect(() => openDatabase(path, { migrations: broken })).toThrow(/nowhere/)
  const db = openDatabase(path, { migrations: migrations('three', create) })
  expect(db.prepare('SELECT count(*) FROM a').pluck().get()).toBe(0)
  db.close()
})

test('a state directory has one owner, until it lets go', () => {
  const first = lockState(dir)
  expect(() => lockState(dir)).toThrow(StateInUse)
  first[Symbol.dispose]()
  lockState(dir)[Symbol.dispose]()
})
