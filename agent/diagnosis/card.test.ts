import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { cardChecks } from './card.ts'

let sys: string
const card = () => join(sys, 'devices/mmc/mmcblk0')

/** As the kernel shows a card whose second partition holds the state. */
beforeEach(async () => {
  sys = await mkdtemp(join(tmpdir(), 'edgeward-card-'))
  await mkdir(join(card(), 'device'), { recursive: true })
  await mkdir(join(card(), 'mmcblk0p2'))
  await mkdir(join(sys, 'dev/block'), { recursive: true })
  await mkdir(join(sys, 'fs/ext4/mmcblk0p2'), { recursive: true })
  await writeFile(join(card(), 'size'), '62333952\n')
  await writeFile(join(card(), 'mmcblk0p2/partition'), '2\n')
  await symlink(join(card(), 'mmcblk0p2'), join(sys, 'dev/block/179:2'))
})
afterEach(() => rm(sys, { recursive: true }))

const found = (id: string) =>
  cardChecks({ path: '/var/lib/edgeward', sys, deviceNumber: async () => (179n << 8n) | 2n })
    .find((check) => check.id === id)
    ?.run(new AbortController().signal)

test.each<[lifeTime: string, spare: string, status: string, says: RegExp]>([
  ['0x01 0x01', '0x01', 'ok', /at most 10 %/],
  ['0x08 0x02', '0x01', 'ok', /at most 80 %/],
  ['0x02 0x09', '0x01', 'warning', /at most 90 %/],
  ['0x0b 0x01', '0x01', 'failed', /more than it was made for/],
  ['0x01 0x01', '0x02', 'warning', /80 % of its spare blocks/],
  ['0x01 0x01', '0x03', 'failed', /90 % of its spare blocks/],
  ['0x00 0x00', '0x00', 'skipped', /does not tell/],
])('eMMC that tells %s and %s is %s', async (lifeTime, spare, status, says) => {
  await writeFile(join(card(), 'device/life_time'), `${lifeTime}\n`)
  await writeFile(join(card(), 'device/pre_eol_info'), `${spare}\n`)
  expect(await found('flash.health')).toMatchObject({ status, cause: expect.stringMatching(says) })
})

test('a card that tells nothing is not judged', async () => {
  expect(await found('flash.health')).toMatchObject({ status: 'skipped' })
  expect(await found('state.filesystem')).toMatchObject({ status: 'skipped' })
})

test('errors are those of the partition that holds the state', async () => {
  const count = join(sys, 'fs/ext4/mmcblk0p2/errors_count')
  await writeFile(count, '0\n')
  expect(await found('state.filesystem')).toMatchObject({ status: 'ok' })
  await writeFile(count, '3\n')
  expect(await found('state.filesystem')).toMatchObject({
    status: 'warning',
    cause: expect.stringContaining('on mmcblk0p2 has met 3 errors'),
  })
})
