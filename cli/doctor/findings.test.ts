import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { manualClock } from '../../test/manual-clock.ts'
import { describeAdmins } from './auth.ts'
import { describeSpeed, speedCheck } from './disk-speed.ts'

test('a disk is slow when the middle one of its writes is, not when one is', () => {
  expect(describeSpeed([4, 5, 900, 6]).status).toBe('ok')
  expect(describeSpeed([300, 280, 5, 310])).toMatchObject({
    status: 'warning',
    cause: expect.stringContaining('kept in 300 ms, 310 ms at most'),
  })
})

test('the disk is tried and nothing is left of it', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'edgeward-speed-'))
  const before = await stat(dir)
  const found = await speedCheck(dir, manualClock()).run(new AbortController().signal)
  expect(['ok', 'skipped']).toContain(found.status) // not every file system has files without a name
  expect(await readdir(dir)).toEqual([])
  expect((await stat(dir)).mtimeMs).toBe(before.mtimeMs)
  await rm(dir, { recursive: true })
})

const user = (roles: string[], enabled = true) => ({ name: 'ann', roles, enabled })

test('a box needs one enabled user with the role Admin, or offers to make the first', () => {
  expect(describeAdmins([user(['Operator']), user(['Admin'])], undefined).status).toBe('ok')
  expect(describeAdmins([], '/run/edgeward/first-admin-code')).toMatchObject({
    status: 'warning',
    cause: expect.stringContaining('/run/edgeward/first-admin-code'),
  })
  expect(describeAdmins([], undefined)).toMatchObject({ status: 'warning' })
  expect(describeAdmins([user(['Admin'], false), user(['Operator'])], undefined)).toMatchObject({
    status: 'warning',
    cause: expect.stringContaining('none of the 2 users'),
  })
})
