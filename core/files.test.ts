import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readFileIfExists, removeFile, writeFileAtomic } from './files.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'edgeward-files-'))
})
afterAll(() => rm(dir, { recursive: true }))

test('a file is replaced whole, private to its owner, and leaves nothing beside it', async () => {
  const path = join(dir, 'a.json')
  await writeFileAtomic(path, 'one')
  await writeFileAtomic(path, 'two')
  expect(await readFile(path, 'utf8')).toBe('two')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await readdir(dir)).toEqual(['a.json'])
  await removeFile(path)
  expect(await readFileIfExists(path)).toBeUndefined()
})

test('what a cut write left behind lends neither content nor mode to the next one', async () => {
  const path = join(dir, 'b.json')
  await writeFile(`${path}.new`, 'torn', { mode: 0o644 })
  await writeFileAtomic(path, 'whole')
  expect(await readFile(path, 'utf8')).toBe('whole')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})
