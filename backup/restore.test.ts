import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openAsItIs } from '../core/sqlite.ts'
import type { IdentityWish } from './plan.ts'
import { readBackup } from './read.ts'
import { restoreBackup } from './restore.ts'
import type { StateKind, Whose } from './state.ts'
import { commitSwap, type Moves, prepareSwap, realMoves, settleSwap } from './swap.ts'
import { contents, fill, makeBackup, passphrase, smallKind, words } from './test-state.ts'

const clock = { now: () => Date.UTC(2026, 0, 3, 4, 5, 6) }
const agent = (agentId: string, credentialIssuedAt: number) => ({ tenant: 't', agentId, credentialIssuedAt })
const one: Whose = { boxId: 'A', agent: agent('one', 100) }

let dir: string
let state: string
let kind: StateKind
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'edgeward-restore-'))
  state = join(dir, 'state')
  await mkdir(state)
  kind = await smallKind(dir)
})
afterEach(() => rmSync(dir, { recursive: true }))

async function* whole(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}

const restore = (
  bytes: Buffer,
  {
    secret = passphrase,
    wish = undefined as IdentityWish,
    ask = async (): Promise<'take' | 'leave'> => 'leave',
  } = {},
) =>
  restoreBackup({ clock, ask }, kind, { bytes: whole(bytes), stateDir: state }, { passphrase: secret, wish })

const backup = (withOnDemand = false) => makeBackup(kind, { state, path: join(dir, 'backup'), withOnDemand })

test('the same box gets back what it knew, keeps who it is and what it has not delivered', async () => {
  await fill(kind, state, 'then', one)
  const bytes = await backup(true)
  await fill(kind, state, 'now', { boxId: 'A', agent: agent('one', 200) })
  const restored = await restore(bytes)
  expect(restored).toMatchObject({ isSameBox: true, identity: 'kept', placed: ['words.db', 'words.key'] })
  expect(await words(kind, state)).toEqual({
    ...{ 'words.key': 'then', 'words.db': 'then' },
    ...{ 'queue.db': 'now', identity: 'one' },
  })
  expect((await kind.whose(state)).agent?.credentialIssuedAt).toBe(200)
  expect((await readdir(restored.replaced as string)).sort()).toEqual(['words.db', 'words.key'])
  expect(await readdir(state)).not.toContain('restoring')
})

test('a database that there was not yet when the backup was made goes aside', async () => {
  await fill(kind, state, 'then', one)
  await rm(join(state, 'words.db'))
  const bytes = await backup()
  await fill(kind, state, 'now', one)
  const restored = await restore(bytes)
  expect(restored.placed).toEqual(['words.key'])
  expect(await readdir(state)).not.toContain('words.db')
  expect((await readdir(restored.replaced as string)).sort()).toEqual(['words.db', 'words.key'])
})

test('another box gets no identity, unless somebody says so; then its own undelivered goes aside', async () => {
  await fill(kind, state, 'then', one)
  const bytes = await backup()
  await rm(state, { recursive: true })
  await mkdir(state)
  const two: Whose = { boxId: 'B', agent: agent('two', 50) }
  await fill(kind, state, 'mine', two)
  const asked: (string | undefined)[] = []
  const left = await restore(bytes, {
    ask: async () => {
      asked.push('asked')
      return 'leave'
    },
  })
  expect(asked).toEqual(['asked'])
  expect(left).toMatchObject({ isSameBox: false, identity: 'left' })
  expect(await words(kind, state)).toMatchObject({ identity: 'two', 'queue.db': 'mine', 'words.db': 'then' })
  const taken = await restore(bytes, { wish: 'take' })
  expect(taken.identity).toBe('taken')
  expect((await kind.whose(state)).agent?.agentId).toBe('one')
  expect(await readdir(taken.replaced as string)).toContain('queue.db')
})

test('on an empty disk what is not delivered comes back with the identity', async () => {
  await fill(kind, state, 'then', one)
  const bytes = await backup(true)
  await rm(state, { recursive: true })
  await mkdir(state)
  expect(await restore(bytes, { wish: 'take' })).not.toHaveProperty('replaced')
  expect(await words(kind, state)).toMatchObject({ identity: 'one', 'queue.db': 'then' })
})

test('what lies in the log of the former database does not get into the new one', async () => {
  await fill(kind, state, 'then', one)
  const bytes = await backup()
  await writeFile(join(state, 'words.db-wal'), 'of the former')
  await restore(bytes)
  expect(await words(kind, state)).toMatchObject({ 'words.db': 'then' })
})

test('a backup that cannot be used changes nothing', async () => {
  await fill(kind, state, 'then', one)
  const bytes = await backup()
  await fill(kind, state, 'now', one)
  const before = await contents(state)
  const changed = Buffer.from(bytes)
  changed[bytes.length - 500] = (changed[bytes.length - 500] as number) ^ 1
  const cases: [string, () => Promise<unknown>][] = [
    ['wrong_passphrase', () => restore(bytes, { secret: 'another passphrase' })],
    ['backup_tampered', () => restore(changed)],
    ['backup_tampered', () => restore(bytes.subarray(0, -1))],
    ['backup_truncated', () => restore(bytes.subarray(0, 100))],
    ['backup_not_ours', () => restore(Buffer.from('{"a":1}'))],
  ]
  for (const [code, attempt] of cases) {
    await expect(attempt()).rejects.toMatchObject({ code })
    expect(await contents(state), code).toEqual(before)
  }
})

test('a backup of a newer schema, and one of the other role, changes nothing', async () => {
  await fill(kind, state, 'then', one)
  const hub = { ...kind, role: 'hub' as const }
  const ofHub = await makeBackup(hub, { state, path: join(dir, 'hub') })
  const db = openAsItIs(join(state, 'words.db'))
  db.pragma('user_version = 9')
  db.pragma('application_id = 8')
  db.close()
  const tooNew = await backup()
  const before = await contents(state)
  await expect(restore(tooNew)).rejects.toMatchObject({ code: 'schema_too_new' })
  await expect(restore(ofHub)).rejects.toMatchObject({ code: 'backup_not_ours' })
  expect(await contents(state)).toEqual(before)
})

/** Fails from the given move on, as if the power had gone. */
function cutAfter(count: number): Moves & { made(): number } {
  let made = 0
  const cut =
    <A extends unknown[]>(move: (...args: A) => Promise<void>) =>
    async (...args: A): Promise<void> => {
      if (made >= count) throw new Error('cut')
      made++
      await move(...args)
    }
  return {
    rename: cut(realMoves.rename),
    remove: cut(realMoves.remove),
    syncFolder: cut(realMoves.syncFolder),
    made: () => made,
  }
}

test('a restore that was decided is finished, wherever it is cut, and as often', async () => {
  await fill(kind, state, 'then', one)
  const bytes = await backup()
  for (let cut = 0; ; cut++) {
    await rm(state, { recursive: true })
    await mkdir(state)
    await fill(kind, state, 'now', one)
    await writeFile(join(state, 'words.db-wal'), 'of the former')
    const prepared = await prepareSwap(state)
    await readBackup(whole(bytes), passphrase, { dir: prepared, kind })
    const swap = { replaced: 'replaced-1', aside: ['words.db-wal', 'words.db'], placed: ['words.db'] }
    await commitSwap(state, swap)
    const moves = cutAfter(cut)
    const done = await settleSwap(state, moves).then(
      () => true,
      () => false,
    )
    await settleSwap(state, cutAfter(Math.floor(cut / 2))).catch(() => {})
    await settleSwap(state)
    expect(await words(kind, state), `cut after ${cut} moves`).toMatchObject({ 'words.db': 'then' })
    expect(await readdir(state)).not.toContain('restoring')
    expect((await readdir(join(state, 'replaced-1'))).sort()).toEqual(['words.db', 'words.db-wal'])
    if (done) break
    expect(cut).toBeLessThan(40)
  }
})

test('a restore that was not decided is forgotten', async () => {
  await fill(kind, state, 'now', one)
  const before = await contents(state)
  await mkdir(join(state, 'restoring', 'new'), { recursive: true })
  await writeFile(join(state, 'restoring', 'new', 'words.db'), 'half')
  await settleSwap(state)
  expect(await contents(state)).toEqual(before)
})
