import { readdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { EdgeError } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import { parseJson } from '../../core/schema.ts'
import { HubUnreachable } from '../errors.ts'
import { type Demands, readBoardingFile } from './boarding-file.ts'

export interface DropFolderDeps {
  /** Onboards with a boarding configuration that nobody has checked yet. */
  onboard(boarding: unknown): Promise<unknown>
  clock: Clock
  log: Logger
}

const pollIntervalMs = 5_000

/**
 * Takes boarding files, `*.json`, out of a folder: each is renamed to `.taken`, or to `.refused` with the
 * reason in a text file beside it. Only files of root or of our own user count that nobody else can
 * write. Until aborted.
 */
export async function watchDropFolder(
  { onboard, clock, log }: DropFolderDeps,
  dir: string,
  signal: AbortSignal,
): Promise<void> {
  /** Those that could not be renamed, and would be taken again and again. */
  const stuck = new Set<string>()
  let fault: string | undefined

  async function take(name: string): Promise<void> {
    const path = join(dir, name)
    const refusal = await readBoardingFile(path, ofRoot)
      .then((text) => onboard(parseJson(text, path)))
      .then(() => undefined, planned)
    if (refusal)
      log.warn({ path, code: refusal.code, reason: refusal.message }, 'dropped boarding file refused')
    else log.info({ path }, 'dropped boarding file taken')
    try {
      if (refusal) await writeFile(`${path}.reason.txt`, reasonText(refusal), { mode: 0o644 })
      await rename(path, `${path}.${refusal ? 'refused' : 'taken'}`)
    } catch (err) {
      stuck.add(name)
      log.warn({ err, path }, 'dropped boarding file cannot be renamed')
    }
  }

  async function look(): Promise<void> {
    try {
      const names = await readdir(dir)
      fault = undefined
      for (const name of names.sort()) if (name.endsWith('.json') && !stuck.has(name)) await take(name)
    } catch (error) {
      const { message } = error as Error
      if (message !== fault) log.warn({ dir, reason: message }, 'drop folder cannot be read')
      fault = message
    }
  }

  while (!signal.aborted) {
    await look()
    await clock.sleep(pollIntervalMs, signal).catch(() => {}) // aborted: the loop ends
  }
}

/** What is to be told of a failure; nothing when the box has the file and goes on by itself. */
function planned(error: unknown): EdgeError | undefined {
  if (error instanceof HubUnreachable) return undefined
  if (error instanceof EdgeError) return error
  throw error
}

const reasonText = ({ message, cure }: EdgeError): string =>
  `${message}\n${cure === undefined ? '' : `${cure}\n`}`

const ofRoot: Demands = {
  faultsOf: ({ uid, mode }) => [
    ...(uid === 0 || uid === process.getuid?.() ? [] : ['it is not owned by root']),
    ...((mode & 0o022) === 0 ? [] : ['others than its owner can write it']),
  ],
  cure: 'Let root put the file there, with mode 0640 or less.',
}
