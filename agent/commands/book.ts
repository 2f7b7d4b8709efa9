import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { EdgeError } from '../../core/errors.ts'
import {
  type Disk,
  ensurePrivateDir,
  readFileIfExists,
  removeFile,
  writeFileAtomic,
} from '../../core/files.ts'
import type { Logger } from '../../core/log.ts'
import { parseJson, parser } from '../../core/schema.ts'
import { Command, hasEnded } from './command.ts'

/** The newest commands, each in a file of its own: a change writes no more than that one. */
export interface Book {
  /** The oldest first. */
  all(): readonly Command[]
  find(agent: string, jobId: string): Command | undefined
  /** Makes room by the oldest that has ended; false when none has. */
  makeRoom(): Promise<boolean>
  nextNumber(): number
  /** Is on disk when this resolves, and is remembered then. */
  put(command: Command): Promise<void>
  remove(command: Command): Promise<void>
}

const maxKept = 40
const parse = parser(Command)

export interface BookDeps {
  log: Logger
  /** The real one unless given. */
  disk?: Disk | undefined
}

export async function openBook({ log, disk }: BookDeps, { dir }: { dir: string }): Promise<Book> {
  await ensurePrivateDir(dir)
  const pathOf = (number: number): string => join(dir, `${number}.json`)
  const known = new Map<number, Command>()
  for (const command of await readAll(dir, log)) known.set(command.number, command)
  let last = Math.max(0, ...known.keys())
  let writing: Promise<unknown> = Promise.resolve()

  function serially<T>(task: () => Promise<T>): Promise<T> {
    const done = writing.then(task)
    writing = done.catch(() => {}) // told to who has asked
    return done
  }
  const remove = ({ number }: Command): Promise<void> =>
    serially(async () => {
      await removeFile(pathOf(number), disk)
      known.delete(number)
    })
  const all = () => [...known.values()]
  return {
    all,
    find: (agent, jobId) => all().find((each) => each.agent === agent && each.jobId === jobId),
    async makeRoom() {
      const ended = all().filter(hasEnded)
      const oldest = ended.find(({ confirmed }) => confirmed) ?? ended[0]
      if (known.size < maxKept) return true
      if (oldest === undefined) return false
      await remove(oldest)
      return true
    },
    nextNumber: () => ++last,
    put: (command) =>
      serially(async () => {
        await writeFileAtomic(pathOf(command.number), JSON.stringify(command), 0o600, disk)
        known.set(command.number, command)
      }),
    remove,
  }
}

async function readAll(dir: string, log: Logger): Promise<Command[]> {
  const found: Command[] = []
  for (const name of await readdir(dir)) {
    const path = join(dir, name)
    if (/^\d+\.json\.new$/.test(name)) await removeFile(path) // a write that was cut
    if (!/^\d+\.json$/.test(name)) continue
    try {
      found.push(parse(parseJson((await readFileIfExists(path)) ?? '', path), path))
    } catch (error) {
      if (!(error instanceof EdgeError)) throw error
      log.error({ path, reason: error.message }, 'command not readable; it is forgotten')
      await removeFile(path)
    }
  }
  return found.sort((one, other) => one.number - other.number)
}
