import { open as openFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { alarms, all, append, noise, open, readings, storedValues, temporaryDir } from './test-setting.ts'

const broken = async (dir: string) =>
  (await readdir(dir)).filter((name) => name.includes('.corrupt-') && /Z(\.\d+)?$/.test(name))

/** Readings in rows of a page or two. */
async function fill(dir: string, windows: number): Promise<unknown[]> {
  await using outbox = await open(dir)
  for (let k = 0; k < windows; k++) await append(outbox, noise(40, 40 * k))
  return storedValues(outbox)
}

async function overwrite(path: string, at: number, length: number): Promise<void> {
  const file = await openFile(path, 'r+')
  await file.write(Buffer.alloc(length, 0xa5), 0, length, at)
  await file.close()
}

test('a file that is no database is set aside, said in the ledger and by an alarm, and collecting goes on', async () => {
  const dir = await temporaryDir()
  await fill(dir, 1)
  await writeFile(join(dir, 'outbox.db'), 'power cut '.repeat(500))

  const standing = alarms()
  const clock = { ...systemClock, now: () => 0 }
  await using outbox = await open(dir, {}, { alarms: standing, clock })
  await append(outbox, readings(2))
  expect(await storedValues(outbox)).toEqual([0, 1])
  expect(await broken(dir)).toEqual(['outbox.db.corrupt-1970-01-01T00:00:00.000Z'])
  expect((await outbox.pendingGaps(10))?.rows).toMatchObject([
    { epoch: '0000000000000000', reason: 'quarantine' },
  ])
  await expect.poll(() => standing.standing().map(({ code }) => code)).toEqual(['outbox_quarantined'])
})

test('a file that breaks while it is in use: nothing rejects, and what is readable comes back by its old name', async () => {
  const dir = await temporaryDir()
  const before = await fill(dir, 200)
  const path = join(dir, 'outbox.db')
  const standing = alarms()
  await using outbox = await open(dir, {}, { alarms: standing })
  const { epoch } = await outbox.stats()
  await overwrite(path, 40 * 512, 30 * 512)
  const appended = [append(outbox, readings(1, 1_000_000)), append(outbox, readings(1, 1_000_001))]
  expect(await outbox.acknowledge('0000000000000000', [[1, 1]])).toBe(0)
  await Promise.all(appended)
  await all(outbox) // reads what is broken
  await append(outbox, readings(1, 1_000_002))
  await expect
    .poll(() => readdir(dir), { timeout: 15_000 })
    .toContainEqual(expect.stringMatching(/\.salvaged$/))

  const values = await storedValues(outbox)
  expect(values).toEqual(expect.arrayContaining([1_000_000, 1_000_001, 1_000_002]))
  const old = new Set(values.filter((value) => Number(value) < 2))
  expect(old.size).toBeGreaterThan(before.length / 2)
  expect(before.filter((value) => !old.has(value)).length).toBeGreaterThan(0)
  const rows = (await outbox.pendingGaps(100))?.rows ?? []
  expect(rows).toContainEqual(expect.objectContaining({ epoch, reason: 'quarantine' }))
  expect(rows.every(({ reason }) => reason === 'quarantine')).toBe(true)
  expect(standing.standing().map(({ code }) => code)).toEqual(['outbox_quarantined'])
  expect((await outbox.stats()).epoch).not.toBe(epoch)
})

test('at most three broken files are kept', async () => {
  const dir = await temporaryDir()
  for (let day = 0; day < 5; day++) {
    await writeFile(join(dir, 'outbox.db'), 'power cut '.repeat(500))
    await using outbox = await open(dir, {}, { clock: { ...systemClock, now: () => day * 86_400_000 } })
    await outbox.stats()
  }
  expect(await broken(dir)).toEqual([3, 4, 5].map((day) => `outbox.db.corrupt-1970-01-0${day}T00:00:00.000Z`))
})

test('a salvage that was cut short is begun again by the next start, and changes nothing that is there', async () => {
  const dir = await temporaryDir()
  const path = join(dir, 'outbox.db')
  const before = await fill(dir, 60)
  const aside = `${path}.corrupt-2026-01-01T00:00:00.000Z`
  const { moveDatabase } = await import('./quarantine.ts')
  await moveDatabase(path, aside) // as if the process had ended right after it
  for (let start = 0; start < 2; start++) {
    const standing = alarms()
    await using outbox = await open(dir, {}, { alarms: standing })
    await expect.poll(() => readdir(dir)).toContainEqual(expect.stringMatching(/\.salvaged$/))
    await expect.poll(() => standing.standing()).toEqual([])
    expect((await storedValues(outbox)).sort()).toEqual([...before].sort())
    expect(await outbox.stats()).toMatchObject({ batches: 60, readings: before.length })
    const { rm } = await import('node:fs/promises')
    await rm(`${aside}.salvaged`)
  }
})

test('what is set aside takes the broken file that it followed with it', async () => {
  const dir = await temporaryDir()
  await writeFile(join(dir, 'outbox.db'), 'power cut '.repeat(500))
  const aside = join(dir, 'aside.db')
  await using outbox = await open(dir)
  await append(outbox, readings(1))
  await outbox.setAside(aside)
  const names = await broken(dir)
  expect(names).toHaveLength(1)
  expect(names[0]).toMatch(/^aside\.db\.corrupt-/)
})
