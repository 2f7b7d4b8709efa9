import { type ChildProcess, type ForkOptions, fork } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { isSea } from 'node:sea'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { fileInside, inside } from './inside.ts'

/**
 * What this program is made of, wherever it lies: a file of ours is named by `new URL(path, import.meta.url)`.
 * From sources that is a file; in the single executable it is `edgeward:/path`, within.
 */
export const scheme = 'edgeward:'

export const isSingleExecutable: boolean = isSea()

const isInside = ({ protocol }: URL): boolean => protocol === scheme

/** Throws when there is none. */
export const readOwnFile = (url: URL): Buffer =>
  isInside(url) ? Buffer.from(fileInside(url.pathname)) : readFileSync(url)

/** Names of the files right in a folder, whose URL ends with a slash; sorted. */
export function listOwnFolder(folder: URL): string[] {
  if (!isInside(folder)) return readdirSync(folder).sort()
  const within = Object.keys(inside().files).filter((path) => path.startsWith(folder.pathname))
  return within
    .map((path) => path.slice(folder.pathname.length))
    .filter((name) => !name.includes('/'))
    .sort()
}

/** Where the executable begins, in each thread: a script that leaves `boot` (packaging/executable/boot.ts). */
export const bootFile = '/boot.js'

/** A worker thread that runs a file of ours. */
export function startOwnThread(url: URL): Worker {
  if (!isInside(url)) return new Worker(url)
  const script = `${fileInside(bootFile).toString('latin1')}boot.load(${JSON.stringify(url.pathname)})`
  return new Worker(script, { eval: true })
}

export interface OwnChildOptions extends Omit<ForkOptions, 'execArgv' | 'execPath'> {
  env: Record<string, string>
  maxHeapMb: number
}

/** A child process that runs a file of ours, with a channel to it. */
export function forkOwn(url: URL, { maxHeapMb, ...options }: OwnChildOptions): ChildProcess {
  const heap = `--max-old-space-size=${maxHeapMb}`
  if (!isInside(url)) return fork(fileURLToPath(url), [], { ...options, execArgv: [heap] })
  // The executable takes options of Node from the environment alone.
  const env = { ...options.env, NODE_OPTIONS: heap }
  return fork(url.href, [], { ...options, env, execArgv: [] })
}

/** The command line that starts this program anew: a file, and the arguments that come before all others. */
export const ownCommand = (): { file: string; args: string[] } => ({
  file: process.execPath,
  args: isSingleExecutable ? [] : [fileURLToPath(new URL('../bin/edgeward.js', import.meta.url))],
})
