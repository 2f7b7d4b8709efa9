import { damaged } from './errors.ts'

/** A file in an archive. */
export interface Entry {
  /** Relative, with slashes. */
  name: string
  size: number
  /** Epoch milliseconds. */
  modifiedAt: number
  content: AsyncIterable<Uint8Array>
}

const blockBytes = 512
/** Eleven octal digits. What is larger stands there in binary, as GNU tar has it. */
const mostOctal = 8 ** 11 - 1

/** POSIX ustar of plain files that only their owner may read: "tar" unpacks it. */
export async function* pack(entries: AsyncIterable<Entry>): AsyncGenerator<Uint8Array> {
  for await (const entry of entries) {
    yield headerOf(entry)
    let bytes = 0
    for await (const piece of entry.content) {
      bytes += piece.length
      yield piece
    }
    if (bytes !== entry.size) throw new Error(`${entry.name} changed while it was read`)
    yield Buffer.alloc(padding(entry.size))
  }
  yield Buffer.alloc(2 * blockBytes)
}

const padding = (size: number): number => (blockBytes - (size % blockBytes)) % blockBytes
const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`

/** A long name lies in two fields, cut at a slash. */
function fieldsOf(name: string): { prefix: string; rest: string } {
  if (Buffer.byteLength(name) <= 100) return { prefix: '', rest: name }
  const cut = name.indexOf('/', name.length - 100)
  const [prefix, rest] = [name.slice(0, cut), name.slice(cut + 1)]
  if (cut <= 0 || Buffer.byteLength(prefix) > 155 || Buffer.byteLength(rest) > 100)
    throw new Error(`the name ${name} does not fit into an archive`)
  return { prefix, rest }
}

function headerOf({ name, size, modifiedAt }: Entry): Buffer {
  const { prefix, rest } = fieldsOf(name)
  const header = Buffer.alloc(blockBytes)
  header.write(rest, 0)
  header.write(prefix, 345)
  header.write(octal(0o600, 7), 100)
  header.write(octal(0, 7), 108)
  header.write(octal(0, 7), 116)
  if (size <= mostOctal) header.write(octal(size, 11), 124)
  else {
    header[124] = 0x80
    header.writeUIntBE(size, 130, 6)
  }
  header.write(octal(Math.max(0, Math.floor(modifiedAt / 1000)), 11), 136)
  header.write('0', 156)
  header.write('ustar\x0000', 257)
  header.write(`${octal(checksumOf(header), 6)} `, 148)
  return header
}

/** The field of the checksum counts as blanks. */
function checksumOf(header: Buffer): number {
  let sum = 8 * 0x20
  for (const [at, byte] of header.entries()) if (at < 148 || at >= 156) sum += byte
  return sum
}

/** The content of an entry must be read before the next one is asked for. Throws `BackupUnreadable`. */
export async function* unpack(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Entry> {
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

function readHeader(header: Buffer): Omit<Entry, 'content'> {
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
