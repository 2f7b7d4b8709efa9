import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readUnitLog } from './unit-log.ts'

/** Says on its standard output what it was asked for, then the text. */
async function journal(script: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'journal-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const path = join(dir, 'journalctl')
  await writeFile(path, `#!/bin/sh\n${script}\n`)
  await chmod(path, 0o755)
  return path
}

test('lines are read as the journal writes them, text that is no UTF-8 too', async () => {
  const lines = [
    { MESSAGE: 'started', PRIORITY: '6', __REALTIME_TIMESTAMP: '1700000000123456' },
    { MESSAGE: [104, 105], PRIORITY: '3', __REALTIME_TIMESTAMP: '1700000001000000' },
    { MESSAGE: 'x'.repeat(5_000) },
  ]
  const path = await journal(`cat <<'END'\n${lines.map((line) => JSON.stringify(line)).join('\n')}\nEND`)
  expect(await readUnitLog('press.service', path)).toEqual([
    { at: 1_700_000_000_123, priority: 6, message: 'started' },
    { at: 1_700_000_001_000, priority: 3, message: 'hi' },
    { at: 0, priority: 6, message: 'x'.repeat(2_000) },
  ])
})

test('the unit is one argument of its own', async () => {
  const path = await journal(`printf '{"MESSAGE":"%s|%s"}\\n' "$1" "$2"`)
  expect(await readUnitLog('press@1.service', path)).toMatchObject([{ message: '-u|press@1.service' }])
})

test('a journal that fails, is not there or never ends to talk is said to be unreadable', async () => {
  const bad = [await journal('exit 1'), await journal('yes'), '/nowhere/journalctl']
  for (const path of bad)
    await expect(readUnitLog('press.service', path)).rejects.toMatchObject({ code: 'log_unreadable' })
})
