import { createHash, hash } from 'node:crypto'
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writevSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { cachedDataVersionTag } from 'node:v8'
import type { Script } from 'node:vm'
import { threadId } from 'node:worker_threads'
import { inside } from '../../core/inside.ts'
import { lastingFolders, makeOwn } from './own-folder.ts'
import { whenSettled } from './settling.ts'

const hashBytes = 32

/**
 * What V8 has made of the parts of the program, functions and all, for the next start: it saves a quarter of
 * its processor time. A file for each part, below a folder that only we can write to; one that is torn, of
 * another V8 or of other flags is passed over and made anew, so nothing is synced. Where it cannot be
 * kept, each start compiles.
 */
export interface CodeCache {
  find(part: string): Buffer | undefined
  /** Its code is kept when there is none yet, or only that of a process which ended early. */
  loaded(part: string, script: Script): void
}

/** Whether who wrote it had lived long enough to have called what a start calls. */
const brief = 0
const settled = 1

export function openCodeCache(): CodeCache | undefined {
  const folder = folderOf(inside().build)
  if (folder === undefined) return undefined
  const kinds = new Map<string, number>()
  const absent = new Map<string, Script>()
  const improvable = new Map<string, Script>()
  let age = brief

  const keep = (part: string, script: Script): void => {
    absent.delete(part)
    write(join(folder, nameOf(part)), age, script.createCachedData())
  }
  /** What is there already is not made again before the end: it would cost memory, and hold others up. */
  const keepAbsent = (): void => {
    const [next] = absent
    if (next === undefined) return
    keep(...next)
    setImmediate(keepAbsent)
  }
  whenSettled(() => {
    age = settled
    keepAbsent()
  })
  process.once('exit', () => {
    for (const one of absent) keep(...one)
    if (age === settled) for (const one of improvable) keep(...one)
  })

  return {
    find(part) {
      const content = read(join(folder, nameOf(part)))
      if (content) kinds.set(part, content[0] as number)
      return content?.subarray(1)
    },
    loaded(part, script) {
      const kind = script.cachedDataRejected ? undefined : kinds.get(part)
      if (kind === undefined) absent.set(part, script)
      else if (kind === brief) improvable.set(part, script)
    },
  }
}

/** V8 takes code only where it has the same flags and the same snapshot of Node's own heap. */
const variant = (): string => {
  const options = hash('sha256', process.env.NODE_OPTIONS ?? '').slice(0, 8)
  return `${cachedDataVersionTag().toString(16)}-${options}`
}

/** The first that is there and ours alone. Those of other builds go when ours is made. */
function folderOf(build: string): string | undefined {
  for (const parent of lastingFolders())
    try {
      makeOwn(parent)
      const folder = join(parent, `code-${build}`)
      if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined)
        for (const name of readdirSync(parent))
          if (name.startsWith('code-') && name !== basename(folder))
            rmSync(join(parent, name), { recursive: true, force: true })
      const own = join(folder, variant())
      mkdirSync(own, { recursive: true, mode: 0o700 })
      return own
    } catch {}
  return undefined
}

const nameOf = (part: string): string => part.slice(1).replaceAll('/', '-')

/** The kind, and the code. */
function read(path: string): Buffer | undefined {
  try {
    const file = readFileSync(path)
    const content = file.subarray(hashBytes)
    return hash('sha256', content, 'buffer').equals(file.subarray(0, hashBytes)) ? content : undefined
  } catch {
    return undefined
  }
}

/** A full or read-only disk is no reason to fail. */
function write(path: string, kind: number, code: Buffer): void {
  const draft = `${path}.${process.pid}.${threadId}`
  try {
    const head = Buffer.of(kind)
    const file = openSync(draft, 'wx', 0o600)
    try {
      writevSync(file, [createHash('sha256').update(head).update(code).digest(), head, code])
    } finally {
      closeSync(file)
    }
    renameSync(draft, path)
  } catch {
    remove(draft)
  }
}

/** Nor is a folder that is no longer ours: a command of root goes on as the owner of the state. */
function remove(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {}
}
