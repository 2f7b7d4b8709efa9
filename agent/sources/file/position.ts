import type { BigIntStats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import Type, { type Static } from 'typebox'
import { parser } from '../../../core/schema.ts'

/** How far a file was read. */
const Position = Type.Object({
  /** Device and inode: a file keeps them when it is renamed. */
  file: Type.String(),
  offset: Type.Integer({ minimum: 0 }),
  /** The last bytes before the offset, in Base64: were they others, the file was written anew. */
  before: Type.String(),
  /** Within a line that is too long; the rest of it is not looked at. */
  isInLine: Type.Boolean(),
})
export type Position = Static<typeof Position>

/** With the path that it is about. */
const Remembered = Type.Object({ path: Type.String(), position: Position })
const remembered = parser(Remembered)

/** Undefined for what is of another path, or damaged. */
export function readPosition(text: string | undefined, path: string): Position | undefined {
  try {
    const found = text === undefined ? undefined : remembered(JSON.parse(text), 'position')
    return found?.path === path ? found.position : undefined
  } catch {
    return undefined
  }
}

export const writtenPosition = (path: string, position: Position): string =>
  JSON.stringify({ path, position } satisfies Static<typeof Remembered>)

export const fileId = ({ dev, ino }: Pick<BigIntStats, 'dev' | 'ino'>): string => `${dev}:${ino}`

export const startOf = (file: string): Position => ({ file, offset: 0, before: '', isInLine: false })

const mark = 48

export const positionAfter = (
  { file, before }: Position,
  offset: number,
  read: Buffer,
  isInLine: boolean,
): Position => {
  const last = Buffer.concat([Buffer.from(before, 'base64'), read.subarray(-mark)]).subarray(-mark)
  return { file, offset, before: last.toString('base64'), isInLine }
}

/** Whether the file still is what was read of it. */
export async function isUntouched(handle: FileHandle, { offset, before }: Position): Promise<boolean> {
  const wanted = Buffer.from(before, 'base64')
  const found = Buffer.alloc(wanted.length)
  const { bytesRead } = await handle.read(found, 0, wanted.length, offset - wanted.length)
  return bytesRead === wanted.length && found.equals(wanted)
}
