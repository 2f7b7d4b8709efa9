import { type FileHandle, open, stat } from 'node:fs/promises'
import type { Logger } from '../../../core/log.ts'
import { fileId, isUntouched, type Position, positionAfter, startOf } from './position.ts'
import { rotatedFiles } from './rotated.ts'

/** Reads the lines of a file that grows, through its rotations. */
export interface Tail extends AsyncDisposable {
  /** Begins, or goes on after a position. Rejects with the error of the file system when there is no file. */
  begin(known: Position | undefined): Promise<void>
  /** Where it stands: all lines before were given out. */
  position(): Position
  /** Whole lines; undefined when there are none more, for now. */
  next(): Promise<string[] | undefined>
  /** The file is not there any more, and no new one has come. */
  isGone(): boolean
}

export interface TailConfig {
  path: string
  from: 'start' | 'end'
  encoding: 'utf-8' | 'latin1'
}

/** Of one line, and of what is read at once. */
const maxBytes = 64 * 1024
const maxLines = 1_000

export function createTail({ log }: { log: Logger }, { path, from, encoding }: TailConfig): Tail {
  let handle: FileHandle | undefined
  let position = startOf('')
  let isGone = false
  /** Another file has the path; this one is read once more, for what its writer still had. */
  let isLeft = false

  async function turnTo(at: string, known?: Position): Promise<void> {
    const opened = await open(at, 'r')
    await handle?.close()
    handle = opened
    isLeft = false
    position = known ?? startOf(fileId(await opened.stat({ bigint: true })))
  }

  async function beginAnew(): Promise<void> {
    await turnTo(path)
    if (from === 'start') return
    const { size } = await current().stat()
    const last = Buffer.alloc(Math.min(size, 64))
    await current().read(last, 0, last.length, size - last.length)
    position = positionAfter(position, size, last, last.length > 0 && last.at(-1) !== newline)
  }

  const current = (): FileHandle => {
    if (!handle) throw new Error('the file is not open')
    return handle
  }

  /** Lines up to the last end of a line; of a file that is left, also what stands behind it. */
  async function read(): Promise<string[] | undefined> {
    const { size } = await current().stat()
    if (size < position.offset || (size > position.offset && !(await isUntouched(current(), position)))) {
      log.info({ path }, 'the file was cut off; reading from its start')
      position = startOf(position.file)
    }
    const buffer = Buffer.alloc(maxBytes)
    const { bytesRead } = await current().read(buffer, 0, maxBytes, position.offset)
    const bytes = buffer.subarray(0, bytesRead)
    if (bytesRead === 0) return undefined
    const end = endOfLines(bytes)
    if (end > 0) return take(bytes.subarray(0, end), false)
    if (bytesRead === maxBytes) {
      if (!position.isInLine) log.warn({ path, maxBytes }, 'a line is too long; it is not read')
      position = positionAfter(position, position.offset + bytesRead, bytes, true)
      return []
    }
    return isLeft ? take(bytes, false) : undefined
  }

  function take(bytes: Buffer, isInLine: boolean): string[] {
    const lines = linesOf(bytes, encoding)
    if (position.isInLine) lines.shift()
    position = positionAfter(position, position.offset + bytes.length, bytes, isInLine)
    return lines
  }

  /** To the file that came after this one. */
  async function moveOn(): Promise<boolean> {
    const now = await stat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
    isGone = now === undefined
    if (!now || fileId(now) === position.file) return false
    if (!isLeft) {
      isLeft = true
      return false
    }
    const { mtimeNs } = await current().stat({ bigint: true })
    const [next] = (await rotatedFiles(path)).filter(
      ({ file, modifiedNs }) => file !== position.file && file !== fileId(now) && modifiedNs > mtimeNs,
    )
    await turnTo(next?.path ?? path)
    isLeft = next !== undefined
    return true
  }

  return {
    position: () => position,
    isGone: () => isGone,
    async begin(known) {
      if (!known) return beginAnew()
      const stats = await stat(path, { bigint: true }).catch(() => undefined)
      const isThere = stats !== undefined && fileId(stats) === known.file
      const at = isThere ? path : (await rotatedFiles(path)).find(({ file }) => file === known.file)?.path
      if (at !== undefined) return turnTo(at, known)
      log.warn({ path }, 'the file that was read before is not there any more; reading the new one')
      await turnTo(path)
    },
    async next() {
      for (;;) {
        const lines = await read()
        if (lines) return lines
        if (!(await moveOn())) return undefined
      }
    },
    async [Symbol.asyncDispose]() {
      await handle?.close()
    },
  }
}

const newline = 10

/** After the last line that is whole, of at most `maxLines`. */
function endOfLines(bytes: Buffer): number {
  let end = 0
  for (let lines = 0; lines < maxLines; lines++) {
    const at = bytes.indexOf(newline, end)
    if (at < 0) break
    end = at + 1
  }
  return end
}

function linesOf(bytes: Buffer, encoding: 'utf-8' | 'latin1'): string[] {
  const text = bytes.toString(encoding)
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n').map((line) => line.replace(/\r$/, ''))
}
