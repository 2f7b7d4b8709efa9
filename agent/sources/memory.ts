import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { ensurePrivateDir, readFileIfExists, writeFileAtomic } from '../../core/files.ts'

/** What one source has to know again after a restart. */
export interface Memory {
  read(): Promise<string | undefined>
  /** When it resolves, the text is on disk. */
  write(text: string): Promise<void>
}

/** The file is named after the source, whatever characters that name has. */
export function openMemory(dir: string, source: string): Memory {
  const path = join(dir, `${createHash('sha256').update(source).digest('hex').slice(0, 32)}.json`)
  return {
    read: () => readFileIfExists(path),
    async write(text) {
      await ensurePrivateDir(dir)
      await writeFileAtomic(path, text)
    },
  }
}

/** For sources that run but once. */
export function forgetfulMemory(): Memory {
  let kept: string | undefined
  return {
    read: async () => kept,
    async write(text) {
      kept = text
    },
  }
}
