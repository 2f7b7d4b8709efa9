import { mkdtempSync, rmSync } from 'node:fs'
import { readdir, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { backupName, keepNewest } from './rotation.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'edgeward-rotation-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

const day = (number: number, year = 2026) => Date.UTC(year, 0, number)
const nameOf = (at: number) => backupName('gateway', at)

async function make(at: number, count: number): Promise<string[]> {
  const made = nameOf(at)
  await writeFile(join(dir, made), '')
  return keepNewest(dir, { role: 'gateway', made, madeAt: at, count })
}

test('what was made just now stays, and what a clock that ran ahead has named goes first', async () => {
  for (const number of [1, 2, 3]) await make(day(number, 2040), 3)
  expect(await make(day(1), 3)).toEqual([nameOf(day(1, 2040))])
  expect(await make(day(2), 3)).toEqual([nameOf(day(2, 2040))])
  expect((await readdir(dir)).sort()).toEqual([day(1), day(2), day(3, 2040)].map(nameOf))
})

test('what a killed backup has left goes, one that is being written stays', async () => {
  const [left, written] = [day(1), day(2)].map((at) => `${nameOf(at)}.new`) as [string, string]
  for (const name of [left, written, 'notes.new']) await writeFile(join(dir, name), '')
  await utimes(join(dir, left), day(1) / 1000, day(1) / 1000)
  await utimes(join(dir, written), day(3) / 1000, day(3) / 1000)
  expect(await make(day(3), 7)).toEqual([left])
  expect((await readdir(dir)).sort()).toEqual([written, nameOf(day(3)), 'notes.new'].sort())
})
