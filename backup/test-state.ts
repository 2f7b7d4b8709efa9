import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { systemRandom as random } from '../core/random.ts'
import { openAsItIs, openDatabase } from '../core/sqlite.ts'
import { snapshotStopped } from './snapshot.ts'
import type { StateKind, Whose } from './state.ts'
import { openTarget, writeBackup } from './write.ts'

export const passphrase = 'correct horse battery'
const clock = { now: () => Date.UTC(2026, 0, 2) }

/** A small state of its own kind: one database, one that is left out unless asked for, an identity, a key. */
export async function smallKind(dir: string): Promise<StateKind> {
  const folder = join(dir, 'migrations')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, '001-initial.sql'), 'CREATE TABLE word (text TEXT NOT NULL) STRICT;')
  const migrations = pathToFileURL(`${folder}/`)
  return {
    role: 'gateway',
    databases: [
      { name: 'words.db', migrations },
      { name: 'queue.db', migrations, onDemand: true },
    ],
    plain: ['identity', 'words.key'],
    identity: ['identity'],
    running: ['queue.db'],
    whose: async (state) =>
      readFile(join(state, 'identity', 'who.json'), 'utf8').then(
        (text) => JSON.parse(text) as Whose,
        () => ({}),
      ),
    prepare: () => {},
  }
}

/** Writes a state in which everything says `word`. */
export async function fill(kind: StateKind, state: string, word: string, whose: Whose): Promise<void> {
  await mkdir(join(state, 'identity'), { recursive: true })
  await writeFile(join(state, 'identity', 'who.json'), JSON.stringify(whose))
  await writeFile(join(state, 'words.key'), word)
  for (const { name, migrations } of kind.databases) {
    const db = openDatabase(join(state, name), { migrations })
    db.prepare('DELETE FROM word').run()
    db.prepare('INSERT INTO word VALUES (?)').run(word)
    db.close()
  }
}

export async function words(kind: StateKind, state: string): Promise<Record<string, string>> {
  const found: Record<string, string> = { 'words.key': await readFile(join(state, 'words.key'), 'utf8') }
  const { agent } = await kind.whose(state)
  found.identity = agent?.agentId ?? 'nobody'
  for (const { name } of kind.databases) {
    const db = openAsItIs(join(state, name))
    found[name] = db.prepare<[], string>('SELECT text FROM word').pluck().get() ?? ''
    db.close()
  }
  return found
}

/** All files and what is in them. */
export async function contents(dir: string): Promise<Record<string, string>> {
  const files = (await readdir(dir, { recursive: true, withFileTypes: true })).filter((one) => one.isFile())
  const read = files.map(async ({ parentPath, name }) => {
    const path = join(parentPath, name)
    return [path.slice(dir.length + 1), (await readFile(path)).toString('base64')] as const
  })
  return Object.fromEntries((await Promise.all(read)).sort())
}

export async function makeBackup(
  kind: StateKind,
  { state, path, withOnDemand = false }: { state: string; path: string; withOnDemand?: boolean },
): Promise<Buffer> {
  const dir = await snapshotStopped({ clock, random }, kind, state, { withOnDemand })
  const about = { role: kind.role, release: '0.1.0', madeAt: clock.now(), ...(await kind.whose(dir)) }
  await using target = await openTarget(path)
  await writeBackup({ random }, { dir, fd: target.file.fd, about }, { passphrase, work: 4 })
  await target.finish()
  return readFile(path)
}
