import { appendFile, mkdtemp, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import pino from 'pino'
import { expect, test } from 'vitest'
import { asTime } from '../document.ts'
import { parseTime } from './line.ts'
import { readPosition, writtenPosition } from './position.ts'
import { createTail, type Tail } from './tail.ts'

const log = pino({ level: 'silent' })

type Step = { do: 'append'; lines: number; isCut: boolean } | { do: 'rotate' | 'read' | 'restart' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('append' as const), lines: fc.nat(4), isCut: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('read' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rotate' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
)

/** A program that writes and a program that rotates, with a reader that may end at any time. */
async function follow(steps: readonly Step[]): Promise<{ written: string[]; read: string[] }> {
  const dir = await mkdtemp(join(tmpdir(), 'edgeward-tail-'))
  const path = join(dir, 'log')
  const [written, read]: [string[], string[]] = [[], []]
  let rotations = 0
  let pending = ''
  let minutes = 0
  let tail: Tail | undefined
  let kept: string | undefined

  const touch = async () => utimes(path, 60 * ++minutes, 60 * minutes) // rotations are never at the same time
  const take = async () => {
    for (;;) {
      const lines = await tail?.next()
      if (!tail || !lines) return
      read.push(...lines)
      kept = writtenPosition(path, tail.position())
    }
  }
  const begin = async () => {
    await tail?.[Symbol.asyncDispose]()
    tail = createTail({ log }, { path, from: 'start', encoding: 'utf-8' })
    await tail.begin(readPosition(kept, path))
  }

  await writeFile(path, '')
  await begin()
  kept = tail && writtenPosition(path, (tail as Tail).position())
  for (const each of steps) {
    if (each.do === 'append') {
      for (let line = 0; line < each.lines; line++) {
        pending += `line ${written.length}`
        written.push(pending.slice(pending.lastIndexOf('\n') + 1))
        pending += '\n'
      }
      const cut = each.isCut ? Math.max(0, pending.length - 3) : pending.length
      await appendFile(path, pending.slice(0, cut))
      pending = pending.slice(cut)
      await touch()
    } else if (each.do === 'rotate') {
      await appendFile(path, pending)
      pending = ''
      await touch()
      await rename(path, `${path}.${++rotations}`)
      await writeFile(path, '')
      await touch()
    } else if (each.do === 'read') await take()
    else await begin()
  }
  await appendFile(path, pending)
  // A file that was left is read once more before the next one.
  for (let turn = 0; turn < 2 * rotations + 2; turn++) await take()
  await (tail as Tail | undefined)?.[Symbol.asyncDispose]()
  await rm(dir, { recursive: true })
  return { written, read }
}

test('each line is given out once and in its order, whatever is renamed and restarted when', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const { written, read } = await follow(steps)
      expect(read).toEqual(written)
    }),
    { numRuns: 60 },
  )
})

test('a file that was cut off and has grown beyond where it was read is noticed', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'edgeward-tail-'))
  const path = join(dir, 'log')
  await writeFile(path, 'one\ntwo\n')
  await using tail = createTail({ log }, { path, from: 'start', encoding: 'utf-8' })
  await tail.begin(undefined)
  expect(await tail.next()).toEqual(['one', 'two'])
  expect(await tail.next()).toBeUndefined()
  await truncate(path)
  await appendFile(path, 'three\nfour\nfive\n')
  expect((await stat(path)).size).toBeGreaterThan(8)
  expect(await tail.next()).toEqual(['three', 'four', 'five'])
  await rm(dir, { recursive: true })
})

test('any bytes are lines, and any text a time or none', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'edgeward-tail-'))
  const path = join(dir, 'log')
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      await writeFile(path, bytes)
      await using tail = createTail({ log }, { path, from: 'start', encoding: 'latin1' })
      await tail.begin(undefined)
      const lines = (await tail.next()) ?? []
      const text = Buffer.from(bytes).toString('latin1')
      const whole = text.slice(0, text.lastIndexOf('\n') + 1)
      expect(lines).toEqual(
        whole
          .split('\n')
          .slice(0, -1)
          .map((line) => line.replace(/\r$/, '')),
      )
    }),
    { numRuns: 50 },
  )
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(typeof parseTime(text, {})).toMatch(/number|undefined/)
      expect(readPosition(text, '/x')).toBeUndefined()
    }),
  )
  fc.assert(
    fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }), (date) => {
      const iso = date.toISOString()
      expect(parseTime(iso, {})).toBe(date.getTime())
      expect(parseTime(iso.replace('T', ' ').replace('.', ',').replace('Z', ' +0000'), {})).toBe(
        date.getTime(),
      )
      expect(parseTime(iso.slice(0, -1), {})).toBeUndefined()
      expect(parseTime(iso.slice(0, -1), { utcOffset: '+00:00' })).toBe(date.getTime())
      expect(asTime(iso)).toBe(date.getTime())
    }),
  )
  await rm(dir, { recursive: true })
})
