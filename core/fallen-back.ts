import { readFile } from 'node:fs/promises'

/** Where the package's release-guard says that it has given up a release. */
export const fallenBackFile = (stateDir: string): string => `${stateDir}-release/fallen-back`

/** Why the newest release is not in use, in words; undefined when it is, or nobody guards releases here. */
export async function fallenBack(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const lines = text.split('\n').map((line) => /^(\S+) (.*)$/.exec(line))
  const said = Object.fromEntries(lines.flatMap((match) => (match ? [[match[1], match[2]]] : [])))
  const { failed = 'the newest release', using = 'the one before it', why = 'unknown' } = said
  return `release ${failed} was given up${said.at ? ` at ${said.at}` : ''}, ${using} is in use again: ${why}`
}
