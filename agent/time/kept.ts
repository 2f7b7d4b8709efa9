import Type from 'typebox'
import { readFileIfExists, writeFileAtomic } from '../../core/files.ts'
import type { Logger } from '../../core/log.ts'
import { parseJson, parser } from '../../core/schema.ts'

const parseKept = parser(Type.Object({ trustedAt: Type.Integer() }))

/** The last proven time, epoch milliseconds. A file that cannot be read is as good as none. */
export async function readKept(path: string, log: Logger): Promise<number | undefined> {
  try {
    const text = await readFileIfExists(path)
    return text === undefined ? undefined : parseKept(parseJson(text, path), path).trustedAt
  } catch (err) {
    log.warn({ err }, 'last trusted time cannot be read')
    return undefined
  }
}

export const writeKept = (path: string, trustedAt: number): Promise<void> =>
  writeFileAtomic(path, JSON.stringify({ trustedAt }))
