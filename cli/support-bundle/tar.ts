import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

export interface TarEntry {
  path: string
  content: Uint8Array
}

const block = 512

/** A compressed archive (POSIX ustar), its files readable by their owner alone. `at`: epoch milliseconds. */
export async function tarGz(entries: readonly TarEntry[], at: number): Promise<Buffer> {
  const blocks = entries.flatMap(({ path, content }) => [
    header(path, content.length, at),
    content,
    Buffer.alloc((block - (content.length % block)) % block),
  ])
  return promisify(gzip)(Buffer.concat([...blocks, Buffer.alloc(2 * block)]))
}

function header(path: string, size: number, at: number): Buffer {
  if (Buffer.byteLength(path) > 100) throw new RangeError(`too long for an archive: ${path}`)
  const made = Buffer.alloc(block)
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`
  const fields: readonly [number, string][] = [
    [0, path],
    [100, octal(0o600, 7)],
    [108, octal(0, 7)],
    [116, octal(0, 7)],
    [124, octal(size, 11)],
    [136, octal(Math.floor(at / 1000), 11)],
    [148, ' '.repeat(8)], // the sum is made with blanks in its own place
    [156, '0'],
    [257, 'ustar\x0000'],
  ]
  for (const [offset, text] of fields) made.write(text, offset)
  const sum = made.reduce((total, byte) => total + byte, 0)
  made.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return made
}
