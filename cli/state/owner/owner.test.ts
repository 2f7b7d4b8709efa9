import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { open, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ownerBesideRoot } from '../../places.ts'
import { writeAsOwner } from './index.ts'

const isRoot = process.getuid?.() === 0
/** Anybody but root; who is not root can only be himself. */
const owner = isRoot
  ? { uid: 65_534, gid: 65_534 }
  : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }

let dir: string
let state: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'edgeward-owner-'))
  chmodSync(dir, 0o711)
  state = mkdtempSync(join(dir, 'state-'))
  writeFileSync(join(state, 'lock.db'), '')
  writeFileSync(join(state, 'kv.key'), 'a key')
  for (const path of [state, join(state, 'lock.db'), join(state, 'kv.key')])
    chownSync(path, owner.uid, owner.gid)
})
afterEach(() => rmSync(dir, { recursive: true }))

async function backUp(): Promise<number> {
  await using file = await open(join(dir, 'backup'), 'wx', 0o600)
  const places = { stateDir: state, runtimeDir: join(state, 'run') }
  const more = { passphrase: 'correct horse battery', madeAt: 0, withOutbox: false }
  await writeAsOwner(owner, { role: 'gateway', places, ...more }, file.fd)
  return (await file.stat()).size
}

test('the owner of the state writes into a file that only the caller can open', async () => {
  expect(ownerBesideRoot(state)).toEqual(isRoot ? owner : undefined)
  expect(await backUp()).toBeGreaterThan(1_000)
  expect((await readdir(state)).sort()).toEqual(['kv.key', 'lock.db'])
})

test('what the owner cannot read gets into no backup, by a link either', async () => {
  const secret = join(dir, 'secret')
  writeFileSync(secret, 'of root', { mode: 0 })
  await rm(join(state, 'kv.key'))
  await symlink(secret, join(state, 'kv.key'))
  const said = await backUp().catch((error: Error) => error.message)
  expect(said).toContain('EACCES')
})
