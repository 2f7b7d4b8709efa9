import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import Type, { type Static } from 'typebox'
import { readFileIfExists, writeFileAtomic } from '../core/files.ts'
import { parseJson, parser } from '../core/schema.ts'
import { isThere } from './snapshot.ts'
import { syncFolder } from './write.ts'

/** Where a restore is prepared, in the state directory. */
const folder = 'restoring'
export const preparedIn = (stateDir: string): string => join(stateDir, folder, 'new')
const journalOf = (stateDir: string): string => join(stateDir, folder, 'journal.json')

/** On disk before anything is moved. From then on the restore is finished, whatever comes between. */
const Journal = Type.Object({
  version: Type.Literal(1),
  /** Where what was there goes. */
  replaced: Type.String({ pattern: '^replaced-[0-9TZ-]+$' }),
  /** What goes there, in this order. */
  aside: Type.Array(Type.String({ pattern: '^[^/]+$' })),
  /** What comes in its place. */
  placed: Type.Array(Type.String({ pattern: '^[^/]+$' })),
})
export type Journal = Static<typeof Journal>
const parse = parser(Journal)

/** What moving needs of the disk, so that a test can cut it short at any step. */
export interface Moves {
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  syncFolder(path: string): Promise<void>
}

export const realMoves: Moves = {
  rename,
  remove: (path) => rm(path, { recursive: true, force: true }),
  syncFolder,
}

/** An empty folder for what is to be restored; what an earlier attempt left is gone. */
export async function prepareSwap(stateDir: string): Promise<string> {
  await rm(join(stateDir, folder), { recursive: true, force: true })
  await mkdir(preparedIn(stateDir), { recursive: true, mode: 0o700 })
  return preparedIn(stateDir)
}

/** Decides: until this resolves nothing has changed, afterwards `settleSwap` finishes it, now or at the next start. */
export async function commitSwap(
  stateDir: string,
  swap: Omit<Journal, 'version'>,
  moves: Moves = realMoves,
): Promise<void> {
  for (const each of await foldersIn(preparedIn(stateDir))) await moves.syncFolder(each)
  await moves.syncFolder(join(stateDir, folder))
  await moves.syncFolder(stateDir)
  const journal: Journal = { version: 1, ...swap }
  await writeFileAtomic(journalOf(stateDir), `${JSON.stringify(journal)}\n`)
}

/** The folder itself, and all below. */
async function foldersIn(dir: string): Promise<string[]> {
  const below = await readdir(dir, { recursive: true, withFileTypes: true })
  const folders = below.filter((entry) => entry.isDirectory())
  return [...folders.map(({ parentPath, name }) => join(parentPath, name)), dir]
}

/**
 * Finishes a restore that was decided, and forgets one that was not. Before anything in the state is
 * opened, by whoever holds its lock. Returns where what was there has gone.
 */
export async function settleSwap(stateDir: string, moves: Moves = realMoves): Promise<string | undefined> {
  const text = await readFileIfExists(journalOf(stateDir))
  if (text === undefined) {
    await moves.remove(join(stateDir, folder))
    return undefined
  }
  const { replaced, aside, placed } = parse(parseJson(text, 'restore'), 'restore')
  const asideDir = join(stateDir, replaced)
  await mkdir(asideDir, { recursive: true, mode: 0o700 })
  await moveAside({ stateDir, asideDir, aside, placed }, moves)
  for (const name of placed)
    if (await isThere(join(preparedIn(stateDir), name)))
      await moves.rename(join(preparedIn(stateDir), name), join(stateDir, name))
  for (const dir of [asideDir, stateDir]) await moves.syncFolder(dir)
  await moves.remove(journalOf(stateDir))
  await moves.syncFolder(join(stateDir, folder))
  await moves.remove(join(stateDir, folder))
  const isEmpty = (await readdir(asideDir)).length === 0
  if (isEmpty) await moves.remove(asideDir)
  return isEmpty ? undefined : asideDir
}

interface Moving {
  stateDir: string
  asideDir: string
  aside: readonly string[]
  placed: readonly string[]
}

/** What has been placed already has its old self aside. What lies beside a database is gone by then, too. */
async function moveAside({ stateDir, asideDir, aside, placed }: Moving, moves: Moves): Promise<void> {
  for (const name of aside) {
    const isPlaced = placed.includes(name) && !(await isThere(join(preparedIn(stateDir), name)))
    if (isPlaced || !(await isThere(join(stateDir, name)))) continue
    await moves.rename(join(stateDir, name), join(asideDir, name))
  }
  await moves.syncFolder(asideDir)
  await moves.syncFolder(stateDir)
}
