import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fallenBack, fallenBackFile } from './fallen-back.ts'

test('says which release was given up, and why', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'edgeward-fallen-back-'))
  try {
    const path = join(dir, 'fallen-back')
    expect(await fallenBack(path)).toBeUndefined()
    await writeFile(
      path,
      'failed 2\nusing 1\nat 2026-11-22T06:00:00Z\nsha256 ab\nwhy it did not become ready\n',
    )
    expect(await fallenBack(path)).toBe(
      'release 2 was given up at 2026-11-22T06:00:00Z, 1 is in use again: it did not become ready',
    )
    await writeFile(path, '')
    expect(await fallenBack(path)).toContain('the one before it is in use again')
  } finally {
    await rm(dir, { recursive: true })
  }
})

test('is told beside the state', () => {
  expect(fallenBackFile('/var/lib/edgeward')).toBe('/var/lib/edgeward-release/fallen-back')
})
