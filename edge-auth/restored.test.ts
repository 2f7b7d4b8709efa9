import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemRandom as random } from '../core/random.ts'
import { openAsItIs } from '../core/sqlite.ts'
import { startEdgeAuth } from '../test/edge-auth.ts'
import { boxIdIn, prepareRestored } from './restored.ts'

type Edge = Awaited<ReturnType<typeof startEdgeAuth>>
const isActive = async (edge: Edge, token: string) =>
  ((await edge.introspect(token)) as { active: boolean }).active
const stateOf = (edge: Edge) => join(edge.dir, 'state')
const verified = async (edge: Edge) => edge.run('audit.verify', {})

/** Between a stop and a start, as a restore does it. */
const prepare = (edge: Edge, isOther: boolean) =>
  edge.inDatabase(() => prepareRestored({ random }, stateOf(edge), { isOther }))

const codes = `
  INSERT INTO reset_code (user, hash, user_epoch, ends_at) VALUES ('ann', zeroblob(32), 'e', 99999999999999);
  INSERT INTO break_glass (user, hash, ends_at) VALUES ('ann', zeroblob(32), 99999999999999)`

test('what may have been ended since the backup is ended, and people get in as before', async () => {
  await using edge = await startEdgeAuth()
  await edge.addUser('ann', 'Admin')
  const token = await edge.signIn('ann')
  await edge.inDatabase((db) => void db.exec(codes))
  expect(await isActive(edge, token)).toBe(true)
  const boxId = await edge.inDatabase(() => boxIdIn(stateOf(edge)))
  await prepare(edge, false)
  expect(await isActive(edge, token)).toBe(false)
  expect(await edge.run('session.list', {})).toEqual([])
  expect(await isActive(edge, await edge.signIn('ann'))).toBe(true)
  const left = await edge.inDatabase((db) =>
    ['reset_code', 'break_glass'].map((table) => db.prepare(`SELECT * FROM ${table}`).all()),
  )
  expect(left).toEqual([[], []])
  expect(await edge.inDatabase(() => boxIdIn(stateOf(edge)))).toBe(boxId)
  expect(await verified(edge)).not.toHaveProperty('fault')
})

test('another box has its users, and nothing of who that box is', async () => {
  await using edge = await startEdgeAuth()
  await edge.addUser('ann', 'Admin')
  const before = await edge.inDatabase((db) => ({
    boxId: boxIdIn(stateOf(edge)),
    audit: db.prepare('SELECT private_key FROM audit_key').pluck().get(),
    keys: db.prepare('SELECT kid FROM signing_key').pluck().all(),
  }))
  expect(before.boxId).toMatch(/^[0-9a-f-]{36}$/)
  await prepare(edge, true)
  expect(await isActive(edge, await edge.signIn('ann'))).toBe(true)
  const after = await edge.inDatabase((db) => ({
    boxId: boxIdIn(stateOf(edge)),
    audit: db.prepare('SELECT private_key FROM audit_key').pluck().get(),
    keys: db.prepare<[], string>('SELECT kid FROM signing_key').pluck().all(),
  }))
  expect(after.boxId).toMatch(/^[0-9a-f-]{36}$/)
  expect(after.boxId).not.toBe(before.boxId)
  expect(after.audit).not.toBe(before.audit)
  for (const kid of after.keys) expect(before.keys).not.toContain(kid)
  expect(await verified(edge)).not.toHaveProperty('fault')
})

test('the owner copies a database that nobody else can open, while it goes on', async () => {
  await using edge = await startEdgeAuth()
  await edge.addUser('ann', 'Admin')
  const to = join(edge.dir, 'copy', 'auth.db')
  await mkdir(join(edge.dir, 'copy'))
  const adding = Array.from({ length: 5 }, (_, number) => edge.addUser(`user-${number}`, 'Viewer'))
  await edge.auth.copyStore(to)
  await Promise.all(adding)
  const copy = openAsItIs(to)
  expect(copy.pragma('quick_check(1)', { simple: true })).toBe('ok')
  expect(copy.prepare('SELECT name FROM user').pluck().all()).toContain('ann')
  copy.close()
  expect(boxIdIn(join(edge.dir, 'copy'))).toMatch(/^[0-9a-f-]{36}$/)
  expect(boxIdIn(join(edge.dir, 'nowhere'))).toBeUndefined()
})
