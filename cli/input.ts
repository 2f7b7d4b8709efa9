import { readFile } from 'node:fs/promises'
import { Invalid } from '../core/errors.ts'
import { parseJson } from '../core/schema.ts'

const read = async (path: string): Promise<string> => {
  if (path !== '-') return readFile(path, 'utf8')
  return Buffer.concat(await process.stdin.toArray()).toString()
}

/** A JSON document from a file, or from stdin for `-`. Throws `Invalid` that names the file. */
export async function readDocument(path: string): Promise<unknown> {
  const what = path === '-' ? 'standard input' : path
  let text: string
  try {
    text = await read(path)
  } catch (cause) {
    throw new Invalid(`${what} cannot be read: ${(cause as Error).message}`, { cause })
  }
  if (text.trim() === '') throw new Invalid(`${what} is empty`)
  return parseJson(text, what)
}

/** A password from stdin, without the line break at its end. */
export const readPassword = async (): Promise<string> => (await read('-')).replace(/\r?\n$/, '')

/** "90s", "1h", "7d" → milliseconds. */
export function durationOf(text: string, what: string): number {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text)
  if (!match) throw new Invalid(`${what} ${text} is no duration`, { cure: 'For example 90s, 1h or 7d.' })
  const [, count, unit] = match
  return Number(count) * { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit as 'ms']
}
