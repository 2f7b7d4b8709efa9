import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { type Clock, systemClock } from '../../core/clock.ts'
import { alarms, all, append, noise, open, readings, storedValues, temporaryDir } from './test-setting.ts'

/** What is done every second or more seldom is done all the time. */
const hurried: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 50), signal) }

/** As a foreign process that has the file open for writing. */
function holder(dir: string): Database.Database {
  const db = new Database(join(dir, 'outbox.db'))
  onTestFinished(() => void db.close())
  return db
}

test('a foreign process that holds the file: producers wait, an alarm says so, and nothing is lost', async () => {
  const dir = await temporaryDir()
  const standing = alarms()
  await using outbox = await open(dir, {}, { alarms: standing, clock: hurried })
  await append(outbox, readings(2))
  const foreign = holder(dir)
  foreign.exec('BEGIN IMMEDIATE')
  let isKept = false
  const appended = append(outbox, readings(2, 2)).then(() => {
    isKept = true
  })
  await expect
    .poll(() => standing.standing().map(({ code }) => code), { timeout: 15_000 })
    .toEqual(['outbox_unwritable'])
  expect(isKept).toBe(false)
  foreign.exec('ROLLBACK')
  await appended
  expect(await storedValues(outbox)).toEqual([0, 1, 2, 3])
  expect(standing.standing()).toEqual([])
})

test('a file that is held for a moment at start is waited for', async () => {
  const dir = await temporaryDir()
  {
    await using before = await open(dir)
    await append(before, readings(2))
  }
  const foreign = holder(dir)
  foreign.exec('BEGIN IMMEDIATE')
  const opening = open(dir)
  await systemClock.sleep(700)
  foreign.exec('ROLLBACK')
  await using outbox = await opening
  await append(outbox, readings(1, 2))
  expect(await storedValues(outbox)).toEqual([0, 1, 2])
})

test('more than a disk can take in waits with its producers, not in memory', async () => {
  const dir = await temporaryDir()
  await using outbox = await open(dir, {}, { clock: hurried })
  const foreign = holder(dir)
  foreign.exec('BEGIN IMMEDIATE')
  const appended = Array.from({ length: 120 }, (_, k) =>
    append(outbox, noise(2_000, 2_000 * k)).then(
      () => 2_000,
      (error) => {
        expect(error).toMatchObject({ code: 'outbox_busy', retryable: true, statusCode: 503 })
        return 0
      },
    ),
  )
  expect(await appended.at(-1)).toBe(0)
  foreign.exec('ROLLBACK')
  const kept = (await Promise.all(appended)).reduce((sum, count) => sum + count, 0)
  expect(kept).toBeGreaterThan(0)
  expect((await all(outbox)).reduce((sum, message) => sum + message.readings, 0)).toBe(kept)
})
