import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { createLog } from '../../core/log.ts'
import { systemRandom } from '../../core/random.ts'
import { openDatabase } from '../../core/sqlite.ts'
import { hubState } from '../../hub-main.ts'
import { gatewayState } from '../../stores.ts'
import { startGateway, startHub, tempDir } from '../harness.ts'
import { contentOf, shapeOf } from './dump.ts'
import { looks } from './looks.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const root = fileURLToPath(new URL('../../', import.meta.url))
const kinds = {
  box: gatewayState({ log: createLog('silent'), random: systemRandom }).databases,
  hub: hubState.databases,
}
const releases = (await readdir(folder, { withFileTypes: true }))
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
const textOf = (release: string, file: string) => readFile(join(folder, release, file), 'utf8')

/** A database as that release has left it. */
async function build(release: string, name: string, path: string): Promise<void> {
  const db = new Database(path)
  if (name === 'outbox.db') db.pragma('page_size = 512')
  db.exec(await textOf(release, name.replace(/\.db$/, '.sql')))
  db.close()
}

test('there is at least one released schema', () => {
  expect(releases).toContain('0.1.0')
})

describe.each(releases)('the schema of release %s', (release) => {
  test('its migrations are as they were released: later ones are added, none is changed', async () => {
    const released = JSON.parse(await textOf(release, 'migrations.json')) as Record<string, string>
    for (const [path, hash] of Object.entries(released)) {
      const text = await readFile(join(root, path))
      expect(createHash('sha256').update(text).digest('hex'), `${path} was changed`).toBe(hash)
    }
  })

  const databases = [...kinds.box, ...kinds.hub].map(({ name, migrations }) => ({ name, migrations }))
  test.each(databases)('$name keeps what is in it', async ({ name, migrations }) => {
    await using dir = await tempDir()
    const path = join(dir.path, name)
    await build(release, name, path)
    const before = new Database(path)
    const shape = shapeOf(before)
    const contents = [...shape].map(([table, columns]) => contentOf(before, table, columns))
    before.close()
    const db = openDatabase(path, { migrations })
    for (const [at, [table, columns]] of [...shape].entries())
      expect(contentOf(db, table, columns), table).toEqual(contents[at])
    expect(db.pragma('quick_check(1)', { simple: true })).toBe('ok')
    expect(db.pragma('foreign_key_check')).toEqual([])
    db.close()
  })

  test('people find in it what was there', async () => {
    await using dir = await tempDir()
    for (const [place, all] of Object.entries(kinds)) {
      await mkdir(join(dir.path, place))
      for (const { name } of all) await build(release, name, join(dir.path, place, name))
    }
    const expected = JSON.parse(await textOf(release, 'expected.json')) as Record<string, unknown>
    await using gateway = await startGateway(join(dir.path, 'box'))
    await using hub = await startHub(join(dir.path, 'hub'))
    for (const [name, { of, operation, shown }] of Object.entries(looks)) {
      const answer = await (of === 'box' ? gateway : hub).operate(operation)
      expect(shown(answer as never), name).toEqual(expected[name])
    }
  })
})
