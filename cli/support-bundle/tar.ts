import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { pack, type TarEntry } from '../../core/tar.ts'

export interface BundledFile {
  path: string
  content: Uint8Array
}

/** A compressed archive, its files readable by their owner alone. `at`: epoch milliseconds. */
export const tarGz = async (files: readonly BundledFile[], at: number): Promise<Buffer> =>
  promisify(gzip)(await buffer(pack(entriesOf(files, at))))

async function* entriesOf(files: readonly BundledFile[], at: number): AsyncGenerator<TarEntry> {
  for (const { path, content } of files)
    yield { name: path, size: content.length, modifiedAt: at, content: once(content) }
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content
}
