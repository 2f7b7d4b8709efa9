import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { tarGz } from './tar.ts'

test('tar takes it: names, contents of every length, time and rights', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tar-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const contents = [0, 1, 511, 512, 513, 100_000].map((length) => Buffer.alloc(length, `${length} ä`))
  const at = Date.UTC(2026, 10, 22, 6)
  const entries = contents.map((content) => ({ path: `b/of-${content.length}.txt`, content }))
  await writeFile(join(dir, 'a.tar.gz'), await tarGz(entries, at))
  const said = execFileSync('tar', ['-xzf', 'a.tar.gz'], { cwd: dir, stdio: 'pipe' }).toString()
  expect(said).toBe('')
  for (const { path, content } of entries) {
    expect((await readFile(join(dir, path))).equals(content)).toBe(true)
    const { mode, mtimeMs } = await stat(join(dir, path))
    expect([mode & 0o777, mtimeMs]).toEqual([0o600, at])
  }
  await expect(tarGz([{ path: 'x'.repeat(101), content: Buffer.alloc(0) }], at)).rejects.toThrow(
    'does not fit',
  )
})
