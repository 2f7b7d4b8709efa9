import { expect, test } from 'vitest'
import { pack, type TarEntry } from '../core/tar.ts'
import { unpack } from './tar.ts'

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

async function* entries(files: Record<string, string>): AsyncGenerator<TarEntry> {
  for (const [name, text] of Object.entries(files)) {
    const content = Buffer.from(text)
    yield { name, size: content.length, modifiedAt: 5_000, content: once(content) }
  }
}

async function packed(files: Record<string, string>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of pack(entries(files))) parts.push(part)
  return Buffer.concat(parts)
}

async function unpacked(bytes: Buffer): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  for await (const { name, content } of unpack(once(bytes))) {
    const parts: Uint8Array[] = []
    for await (const part of content) parts.push(part)
    files[name] = Buffer.concat(parts).toString()
  }
  return files
}

const long = `${'folder/'.repeat(20)}${'n'.repeat(90)}.json`
const files = { empty: '', 'pki/ca.crt': 'x'.repeat(512), 'a.json': '{"ä":1}', [long]: 'far down' }

test('files come back, whatever their length and name', async () => {
  expect(await unpacked(await packed(files))).toEqual(files)
})

test('a file of more than 8 GiB keeps its size', async () => {
  const size = 9 * 1024 ** 3
  const large = async function* (): AsyncGenerator<TarEntry> {
    yield { name: 'readings.db', size, modifiedAt: 0, content: once(Buffer.alloc(0)) }
  }
  const header = (await pack(large()).next()).value as Uint8Array
  expect((await unpack(once(header)).next()).value).toMatchObject({ name: 'readings.db', size })
})

test('a file whose length changes while it is read is no backup', async () => {
  const wrong = async function* (): AsyncGenerator<TarEntry> {
    yield { name: 'a', size: 3, modifiedAt: 0, content: once(Buffer.from('four')) }
  }
  const writing = async () => {
    for await (const _part of pack(wrong()));
  }
  await expect(writing()).rejects.toThrow('a changed while it was read')
})

test('a list of files that ends early or was changed is refused', async () => {
  const bytes = await packed(files)
  await expect(unpacked(bytes.subarray(0, 700))).rejects.toMatchObject({ code: 'backup_damaged' })
  const changed = Buffer.from(bytes)
  changed[0] = 0x41
  await expect(unpacked(changed)).rejects.toMatchObject({ code: 'backup_damaged' })
})
