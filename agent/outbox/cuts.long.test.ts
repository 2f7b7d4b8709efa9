import { link, open as openFile, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { type Journal, openJournal } from './journal/index.ts'
import { type Files, moveDatabase, moveQuarantined, quarantine } from './quarantine.ts'
import { createSalvage } from './salvage/index.ts'
import type { Store } from './store.ts'
import {
  alarms,
  all,
  append,
  copyOf,
  noise,
  open,
  readings,
  runsOf,
  storedValues,
  temporaryDir,
} from './test-setting.ts'

/** A disk that goes away before its step `cut`; undefined when there were no more steps. */
function cutting(cut: number, doing: Partial<Files> = {}): Files & { steps(): number } {
  let steps = 0
  const step =
    <A extends unknown[]>(run: (...args: A) => Promise<void>) =>
    async (...args: A) => {
      if (steps++ >= cut) throw new Error('power cut')
      await run(...args)
    }
  return {
    link: step(doing.link ?? link),
    copy: step(doing.copy ?? (() => Promise.reject(new Error('not to be copied')))),
    rename: step(rename),
    remove: step((path) => rm(path, { force: true })),
    syncDir: step(async () => {}),
    steps: () => steps,
  }
}

/** As a killed process leaves it: a part of what was promised stands in the log alone. */
async function killed(): Promise<{ dir: string; contents: Map<string, string> }> {
  const dir = await temporaryDir()
  await using outbox = await open(dir)
  for (let k = 0; k < 5; k++) await append(outbox, readings(3, 3 * k))
  return { dir: await copyOf(dir), contents: await contentsOf(outbox) }
}

/** What each batch holds, by its name. */
async function contentsOf(outbox: Awaited<ReturnType<typeof open>>): Promise<Map<string, string>> {
  const contents = new Map<string, string>()
  for (const message of await all(outbox))
    for (const [k, batch] of runsOf(message).entries()) {
      const name = `${message.epoch}/${message.seq + k}`
      expect(contents.has(name)).toBe(false)
      contents.set(name, JSON.stringify(batch))
    }
  return contents
}

/** Does it with a cut at every step, each time on files of its own, until it comes through. */
async function atEveryStep(
  act: (dir: string, files: Files) => Promise<unknown>,
  check: (dir: string, contents: Map<string, string>) => Promise<void>,
  doing: Partial<Files> = {},
): Promise<number> {
  const { dir, contents } = await killed()
  for (let cut = 0; ; cut++) {
    const copy = await copyOf(dir)
    const files = cutting(cut, doing)
    const failure = await act(copy, files).then(
      () => undefined,
      (error: Error) => error,
    )
    if (failure !== undefined) expect(failure.message).toBe('power cut')
    await check(copy, contents)
    if (failure === undefined) return files.steps()
  }
}

const aside = 'outbox.db.corrupt-2026-01-01T00:00:00.000Z'

/** The next start has all of it, taken back or never moved, and no log lies about that belongs to nothing. */
async function expectAll(dir: string, contents: Map<string, string>): Promise<void> {
  await using outbox = await open(dir, {}, { alarms: alarms() })
  await append(outbox, readings(1, 100))
  await expect.poll(async () => (await contentsOf(outbox)).size, { timeout: 10_000 }).toBe(contents.size + 1)
  const found = await contentsOf(outbox)
  for (const [name, content] of contents) expect(found.get(name)).toBe(content)
}

describe('a power cut at every step', () => {
  test('of setting a broken file aside loses nothing that was promised, nor gives a name two contents', async () => {
    const steps = await atEveryStep(
      (dir, files) => quarantine(join(dir, 'outbox.db'), Date.UTC(2026, 0, 1), files),
      expectAll,
    )
    expect(steps).toBeGreaterThan(5)
  })

  test('likewise where the file system knows no second names', async () => {
    const refused = Object.assign(new Error('not here'), { code: 'EPERM' })
    const { copyFile } = await import('node:fs/promises')
    await atEveryStep(
      (dir, files) => moveDatabase(join(dir, 'outbox.db'), join(dir, aside), files),
      expectAll,
      {
        link: () => Promise.reject(refused),
        copy: copyFile,
      },
    )
  })

  test('of setting an outbox aside leaves it whole in one of the two places, also after the next start', async () => {
    await atEveryStep(
      async (dir, files) => {
        await moveQuarantined(join(dir, 'outbox.db'), join(dir, 'former.db'), files)
        await moveDatabase(join(dir, 'outbox.db'), join(dir, 'former.db'), files)
      },
      async (dir, contents) => {
        const path = join(dir, 'former.db')
        {
          await using outbox = await open(dir)
          await append(outbox, readings(1, 100))
          await outbox.setAside(path)
          expect(await storedValues(outbox)).not.toContain(0)
        }
        await using former = await open(dir, { path })
        const found = await contentsOf(former)
        for (const [name, content] of contents) expect(found.get(name)).toBe(content)
        expect((await readdir(dir)).filter((name) => name.includes('corrupt'))).toEqual([])
      },
    )
  })

  test('of moving broken files with it changes nothing of what can be taken back from them', async () => {
    const { dir, contents } = await killed()
    const path = join(dir, 'outbox.db')
    await moveDatabase(path, join(dir, aside))
    for (let cut = 0; ; cut++) {
      const copy = await copyOf(dir)
      const to = join(copy, 'former.db')
      const files = cutting(cut)
      const isCut = await moveQuarantined(join(copy, 'outbox.db'), to, files).then(
        () => false,
        () => true,
      )
      await moveQuarantined(join(copy, 'outbox.db'), to)
      await using former = await open(copy, { path: to })
      await expect.poll(async () => (await contentsOf(former)).size, { timeout: 10_000 }).toBe(contents.size)
      if (!isCut) break
    }
  })
})

test('a process that ends right after a broken file was set aside has the next one say so in the ledger, once', async () => {
  const dir = await temporaryDir()
  const path = join(dir, 'outbox.db')
  await using file = await openFile(path, 'w')
  await file.write('no database '.repeat(500))
  await quarantine(path, Date.UTC(2026, 0, 1))
  for (let start = 0; start < 2; start++) {
    await using outbox = await open(dir)
    const rows = (await outbox.pendingGaps(10))?.rows ?? []
    expect(rows.map(({ epoch, reason }) => [epoch, reason])).toEqual([['0'.repeat(16), 'quarantine']])
  }
})

test('a log whose database was moved is never taken for that of the next', async () => {
  const { dir } = await killed()
  await rename(join(dir, 'outbox.db'), join(dir, 'elsewhere.db'))
  await using outbox = await open(dir)
  await append(outbox, noise(1))
  expect((await contentsOf(outbox)).size).toBe(1)
})

test('a salvage that is cut before or after any of its pieces is done once more, to the same end', async () => {
  const { dir, contents } = await killed()
  await quarantine(join(dir, 'outbox.db'), Date.UTC(2026, 0, 1))
  for (let cut = 0; ; cut++) {
    const copy = await copyOf(dir)
    const path = join(copy, 'outbox.db')
    const journal = openJournal(
      {
        ...{ path, epoch: 'a'.repeat(16), ledger: 'b'.repeat(16), boot: 'boot-1', floor: 0, now: 1 },
        ...{ isSuccessor: false, maxBytes: 64_000_000, ballastBytes: 65_536, whenFull: 'drop_oldest' },
      },
      () => 1,
    )
    let calls = 0
    const store = {
      async call(method: 'adopt', ...args: Parameters<Journal['adopt']>) {
        if (calls++ >= cut) throw new Error('power cut')
        return journal.methods[method](...args)
      },
    } as unknown as Pick<Store, 'call'>
    const { salvage, isOver } = salvaging(store, path)
    salvage.begin()
    await isOver
    await salvage[Symbol.asyncDispose]()
    const left = await copyOf(copy) // its epoch has not been closed
    journal.close()
    await using outbox = await open(left)
    await expect.poll(async () => (await contentsOf(outbox)).size, { timeout: 10_000 }).toBe(contents.size)
    const found = await contentsOf(outbox)
    for (const [name, content] of contents) expect(found.get(name)).toBe(content)
    const marked = (await readdir(copy)).some((name) => name.endsWith('.salvaged'))
    expect(marked).toBe(calls <= cut)
    if (calls <= cut) break
  }
})

/** Over when it says so, or why not. */
function salvaging(store: Pick<Store, 'call'>, path: string) {
  const over = Promise.withResolvers<void>()
  const log = pino({ level: 'silent' })
  const told = { ...log, warn: () => over.resolve(), error: () => over.resolve() } as unknown as typeof log
  const deps = { clock: systemClock, log: told, alarms: alarms(), store, onAdopted: () => {} }
  return { salvage: createSalvage(deps, { path }), isOver: over.promise }
}
