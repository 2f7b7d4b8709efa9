import { type ChildProcess, type ForkOptions, fork } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { getAsset, getAssetKeys, getRawAsset, isSea } from 'node:sea'
import { fileURLToPath } from 'node:url'
import { compileFunction, constants } from 'node:vm'
import { Worker, type WorkerOptions } from 'node:worker_threads'

/**
 * What this program is made of, wherever it lies: a file of ours is named by `new URL(path, import.meta.url)`.
 * From sources that is a file; in the single executable it is `edgeward:/path`, an asset within.
 */
const scheme = 'edgeward:'

export const isSingleExecutable: boolean = isSea()

const isInside = ({ protocol }: URL): boolean => protocol === scheme

/** Throws when there is none. */
export const readOwnFile = (url: URL): Buffer =>
  isInside(url) ? Buffer.from(getRawAsset(url.pathname)) : readFileSync(url)

const readOwnText = (url: URL): string => getAsset(url.pathname, 'utf8')

/** Names of the files right in a folder, whose URL ends with a slash; sorted. */
export function listOwnFolder(folder: URL): string[] {
  if (!isInside(folder)) return readdirSync(folder).sort()
  const within = getAssetKeys().filter((key) => key.startsWith(folder.pathname))
  return within
    .map((key) => key.slice(folder.pathname.length))
    .filter((name) => !name.includes('/'))
    .sort()
}

/** A worker thread that runs a file of ours. */
export const startOwnThread = (url: URL, options: WorkerOptions): Worker =>
  isInside(url) ? new Worker(readOwnText(url), { ...options, eval: true }) : new Worker(url, options)

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

/** In the executable: runs the file that `forkOwn` has started this process for, if it has. */
export function runForked(argv: readonly string[]): boolean {
  const [, , name] = argv
  if (process.send === undefined || !name?.startsWith(scheme)) return false
  const run = compileFunction(readOwnText(new URL(name)), ['require', 'module', 'exports'], {
    filename: name,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  })
  const module = { exports: {} }
  run(createRequire(process.execPath), module, module.exports)
  return true
}

/** The command line that starts this program anew: a file, and the arguments that come before all others. */
export const ownCommand = (): { file: string; args: string[] } => ({
  file: process.execPath,
  args: isSingleExecutable ? [] : [fileURLToPath(new URL('../bin/edgeward.js', import.meta.url))],
})
