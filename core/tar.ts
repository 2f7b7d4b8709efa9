/** A file in an archive. */
export interface TarEntry {
  /** Relative, with slashes. */
  name: string
  size: number
  /** Epoch milliseconds. */
  modifiedAt: number
  content: AsyncIterable<Uint8Array>
}

export const blockBytes = 512
/** Eleven octal digits. What is larger stands there in binary, as GNU tar has it. */
const mostOctal = 8 ** 11 - 1

/** POSIX ustar of plain files that only their owner may read: "tar" unpacks it. */
export async function* pack(entries: AsyncIterable<TarEntry>): AsyncGenerator<Uint8Array> {
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

export const padding = (size: number): number => (blockBytes - (size % blockBytes)) % blockBytes
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

function headerOf({ name, size, modifiedAt }: TarEntry): Buffer {
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

/** Of a header; the field of the checksum itself counts as blanks. */
export function checksumOf(header: Buffer): number {
  let sum = 8 * 0x20
  for (const [at, byte] of header.entries()) if (at < 148 || at >= 156) sum += byte
  return sum
}
