import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { manualClock } from '../test/manual-clock.ts'
import { diskProbe } from './disk-probe.ts'
import { createProofOfLife } from './proof-of-life.ts'

const log = pino({ level: 'silent' })

function living(probes: Parameters<typeof createProofOfLife>[1]['probes']) {
  const clock = manualClock()
  const life = createProofOfLife({ clock, log }, { probes })
  const stopped = new AbortController()
  const running = life.run(stopped.signal)
  const stop = () => {
    stopped.abort()
    return running
  }
  return { clock, life, stop }
}

test('who does not answer is told with the time of his silence, and no more once he answers', async () => {
  let answer = (_value?: unknown): void => {}
  let asked = 0
  const ask = () => {
    asked++
    return asked === 1 ? Promise.resolve() : new Promise((resolve) => (answer = resolve))
  }
  const { clock, life, stop } = living([
    { name: 'slow', ask },
    { name: 'well', ask: async () => {} },
  ])
  await clock.advance(5_000) // answered once, and asked again
  await clock.advance(20_000)
  expect(life.silences(30_000)).toEqual([])
  await clock.advance(20_000)
  expect(life.silences(30_000)).toEqual([{ name: 'slow', forMs: 40_000 }])
  expect(asked, 'one question at a time').toBe(2)
  answer()
  await clock.advance(1_000)
  expect(life.silences(0)).toEqual([])
  await stop()
})

test('a refusal is an answer', async () => {
  const { clock, life, stop } = living([{ name: 'full', ask: () => Promise.reject(new Error('ENOSPC')) }])
  await clock.advance(600_000)
  expect(life.silences(0)).toEqual([])
  expect(life.refusals()).toEqual([{ name: 'full', reason: 'ENOSPC' }])
  await stop()
})

test('the end does not wait for who is silent', async () => {
  const { clock, life, stop } = living([{ name: 'dead', ask: () => new Promise(() => {}) }])
  await clock.advance(60_000)
  expect(life.silences(59_000)).toHaveLength(1)
  await stop()
})

test('the disk is written to only when no commit has shown since the last look that it takes writes', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'edgeward-life-'))
  try {
    const wal = join(dir, 'auth.db-wal')
    await writeFile(wal, 'a commit')
    const { ask, everyMs } = diskProbe({ dir, commits: ['auth.db-wal', 'kv.db-wal'] })
    expect(everyMs).toBe(300_000)
    const isWritten = async () => {
      await rm(join(dir, 'alive'), { force: true })
      await ask()
      return (await readdir(dir)).includes('alive')
    }
    expect(await isWritten(), 'the first look').toBe(true)
    expect(await isWritten(), 'no commit since').toBe(true)
    await utimes(wal, 1, 1)
    expect(await isWritten(), 'a commit since').toBe(false)
    await writeFile(join(dir, 'kv.db-wal'), 'the first commit')
    expect(await isWritten(), 'a commit elsewhere').toBe(false)
    expect(await isWritten(), 'none again').toBe(true)
    const { size, mode } = await stat(join(dir, 'alive'))
    expect({ size, mode: mode & 0o777 }).toEqual({ size: 1, mode: 0o600 })
    await ask()
    expect((await stat(join(dir, 'alive'))).size, 'the same byte again').toBe(1)
  } finally {
    await rm(dir, { recursive: true })
  }
})

test('a disk that refuses to be written is refused, not silent', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'edgeward-life-'))
  try {
    await mkdir(join(dir, 'alive')) // cannot be opened for writing, by root neither
    await expect(diskProbe({ dir, commits: [] }).ask()).rejects.toThrow('EISDIR')
  } finally {
    await rm(dir, { recursive: true })
  }
})
