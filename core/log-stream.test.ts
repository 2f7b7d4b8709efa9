import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tempDir } from '../test/harness.ts'
import { createLog } from './log.ts'

test('lines that nobody takes are lost beyond a bound, and counted', async () => {
  await using dir = await tempDir()
  const path = join(dir.path, 'log')
  await using file = await open(path, 'w')
  const log = createLog('info', file.fd)
  const written = 1_000
  // At once, so that the stream cannot write in between: 10 MB.
  for (let n = 0; n < written; n++) log.info({ n, text: 'a'.repeat(10_000) }, 'line')

  const lines = async () =>
    (await readFile(path, 'utf8'))
      .split('\n')
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line))
  await expect
    .poll(async () => (await lines()).at(-1), { timeout: 10_000 })
    .toMatchObject({ level: 'error', msg: 'log lines lost', lines: expect.any(Number) })
  const kept = (await lines()).filter(({ msg }) => msg === 'line')
  expect(kept.length + (await lines()).at(-1).lines).toBe(written)
  expect(kept.map(({ n }) => n)).toEqual(kept.map((_, n) => n))

  log.info('afterwards')
  await expect.poll(async () => (await lines()).at(-1).msg).toBe('afterwards')
})
