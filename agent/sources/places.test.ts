import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openMemory } from './memory.ts'
import { belongings, credentialName, readCredential } from './places.ts'

async function temporaryDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'edgeward-places-'))
  onTestFinished(async () => {
    await chmod(dir, 0o700)
    await rm(dir, { recursive: true })
  })
  return dir
}

test('a credential is a file below one directory, and a missing one is named', async () => {
  const dir = await temporaryDir()
  await writeFile(join(dir, 'broker'), 'user:secret\n')
  expect(await readCredential(dir, 'broker')).toBe('user:secret')
  await expect(readCredential(dir, 'other')).rejects.toMatchObject({
    reason: 'no_credential',
    message: `the credential ${join(dir, 'other')} cannot be read (ENOENT)`,
  })
  for (const name of ['../x', '.x', 'a/b', '', '..'])
    expect(new RegExp(credentialName, 'u').test(name)).toBe(false)
})

test('each source remembers for itself, whatever it is called, and beyond its life', async () => {
  const dir = join(await temporaryDir(), 'sources')
  const [one, other] = [openMemory(dir, '../../press'), openMemory(dir, 'press 2')]
  expect(await one.read()).toBeUndefined()
  await one.write('first')
  await one.write('second')
  await other.write('other')
  expect(await openMemory(dir, '../../press').read()).toBe('second')
  expect(await readdir(dir)).toHaveLength(2)
  const { memory } = belongings({ credentialsDir: dir, memoryDir: dir, pkiDir: dir }, 'press 2')
  expect(await memory.read()).toBe('other')
})
