import { expect, test } from 'vitest'
import { systemRandom as random } from '../../core/random.ts'
import { decrypt, encrypt } from './index.ts'

const passphrase = 'correct horse battery'
const chunk = 64 * 1024
const work = 4

async function all(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of bytes) parts.push(part)
  return Buffer.concat(parts)
}

async function* cutInto(size: number, bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const sealed = (plain: Buffer) => all(encrypt(cutInto(50_000, plain), passphrase, { work, random }))
const opened = (bytes: Buffer, size = 70_000, secret = passphrase) =>
  all(decrypt(cutInto(size, bytes), secret))
const codeOf = (bytes: Buffer, secret = passphrase): Promise<string> =>
  opened(bytes, 70_000, secret).then(
    () => 'opened',
    (error: { code: string }) => error.code,
  )
/** Where the header ends and the nonce begins. */
const bodyAt = (file: Buffer) => file.indexOf('\n', file.indexOf('\n--- ') + 1) + 1

test.each([0, 1, chunk - 1, chunk, chunk + 1, 3 * chunk, 200_001])('%i bytes come back', async (length) => {
  const plain = random.bytes(length)
  expect((await opened(await sealed(plain))).equals(plain)).toBe(true)
})

test('it does not matter how the bytes arrive', async () => {
  const file = await sealed(Buffer.from('small'))
  for (const size of [1, 7, 500]) expect((await opened(file, size)).toString()).toBe('small')
})

test('the same content is never the same file', async () => {
  const plain = Buffer.from('small')
  expect((await sealed(plain)).equals(await sealed(plain))).toBe(false)
})

test('a wrong passphrase is told from a damaged file', async () => {
  const file = await sealed(Buffer.from('small'))
  expect(await codeOf(file, 'correct horse batterz')).toBe('wrong_passphrase')
})

test('a file that is cut off is refused, wherever it is cut', async () => {
  const file = await sealed(random.bytes(2 * chunk + 100))
  const body = bodyAt(file)
  const part = chunk + 16
  for (const length of [20, body - 5, body + 3, body + 16, body + 16 + part, body + 16 + 2 * part])
    expect(await codeOf(file.subarray(0, length)), `cut at ${length}`).toBe('backup_truncated')
  for (const length of [body + 40, body + 16 + part + 500, file.length - 1])
    expect(await codeOf(file.subarray(0, length)), `cut at ${length}`).toBe('backup_tampered')
})

test('a changed byte is found wherever it is', async () => {
  const file = await sealed(random.bytes(chunk + 100))
  const body = bodyAt(file)
  const places = [...Array(body).keys(), body, body + 20, body + chunk, body + chunk + 40, file.length - 1]
  for (const at of places) {
    const changed = Buffer.from(file)
    changed[at] = (changed[at] as number) ^ 1
    expect(await codeOf(changed), `byte ${at}`).toMatch(/^backup_|^wrong_passphrase/)
  }
})

test('parts that are exchanged, left out, repeated or added are found', async () => {
  const file = await sealed(random.bytes(3 * chunk))
  const body = bodyAt(file) + 16
  const part = (number: number) =>
    file.subarray(body + number * (chunk + 16), body + (number + 1) * (chunk + 16))
  const head = file.subarray(0, body)
  for (const parts of [
    [part(1), part(0), part(2)],
    [part(0), part(2)],
    [part(0), part(0), part(1), part(2)],
    [part(0), part(1), part(2), part(2)],
  ])
    expect(await codeOf(Buffer.concat([head, ...parts]))).toMatch(/^backup_(tampered|truncated)/)
  expect(await codeOf(Buffer.concat([file, Buffer.from('x')]))).toBe('backup_tampered')
})

test('other files and other versions are named as what they are', async () => {
  expect(await codeOf(Buffer.from('SQLite format 3\0'.repeat(100)))).toBe('backup_not_ours')
  expect(await codeOf(Buffer.alloc(0))).toBe('backup_truncated')
  const text = (await sealed(Buffer.from('small'))).toString('latin1')
  const changed = (from: string | RegExp, to: string) => codeOf(Buffer.from(text.replace(from, to), 'latin1'))
  expect(await changed('age-encryption.org/v1', 'age-encryption.org/v2')).toBe('backup_version')
  expect(await changed('-> scrypt', '-> X25519')).toBe('backup_not_ours')
  expect(await changed(/(-> scrypt \S+) 4/, '$1 30'), 'a passphrase that takes all memory').toBe(
    'backup_not_ours',
  )
})
