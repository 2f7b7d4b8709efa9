import { blockBytes, checksumOf, padding, type TarEntry } from '../core/tar.ts'
import { damaged } from './errors.ts'

/** The content of an entry must be read before the next one is asked for. Throws `BackupUnreadable`. */
export async function* unpack(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry> {
  const reader = createReader(bytes)
  for (;;) {
    const header = await reader.exactly(blockBytes)
    if (header.every((byte) => byte === 0)) break
    const { name, size, modifiedAt } = readHeader(header)
    yield { name, size, modifiedAt, content: reader.upTo(size) }
    await reader.exactly(padding(size))
  }
  await reader.toEnd() // so that the end of the file is checked as well
}

function readHeader(header: Buffer): Omit<TarEntry, 'content'> {
  const text = (from: number, to: number) => header.subarray(from, to).toString().split('\0', 1)[0] as string
  const number = (from: number, to: number) => Number.parseInt(text(from, to).trim() || '0', 8)
  if (number(148, 156) !== checksumOf(header)) throw damaged('its list of files cannot be read')
  const name = [text(345, 500), text(0, 100)].filter((part) => part !== '').join('/')
  if (text(156, 157) !== '0') throw damaged(`${name} is no plain file`)
  const size = header[124] === 0x80 ? header.readUIntBE(130, 6) : number(124, 136)
  return { name, size, modifiedAt: number(136, 148) * 1000 }
}

function createReader(bytes: AsyncIterable<Uint8Array>) {
  const pieces = bytes[Symbol.asyncIterator]()
  let held: Uint8Array = Buffer.alloc(0)

  const more = async (): Promise<boolean> => {
    const { value, done } = await pieces.next()
    if (!done) held = value
    return !done
  }
  async function* upTo(size: number): AsyncGenerator<Uint8Array> {
    for (let left = size; left > 0; ) {
      if (held.length === 0 && !(await more())) throw damaged('a file in it ends too early')
      const taken = held.subarray(0, left)
      held = held.subarray(taken.length)
      left -= taken.length
      if (taken.length > 0) yield taken
    }
  }
  return {
    upTo,
    async exactly(size: number): Promise<Buffer> {
      const parts: Uint8Array[] = []
      for await (const part of upTo(size)) parts.push(part)
      return Buffer.concat(parts)
    },
    async toEnd(): Promise<void> {
      while (await more());
    },
  }
}
