import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { commandOf, readIfReadable } from './processes.ts'

export interface Holder {
  pid: number
  /** Its command line; empty when it cannot be read. */
  command: string
  /** It was stopped by a signal (SIGSTOP, Ctrl-Z, a debugger) and does nothing. */
  isSuspended: boolean
}

/**
 * Who holds the lock of a state directory, as the kernel tells it: nothing is opened, so a daemon that
 * is just starting is not disturbed. Undefined when nobody does, or in another container.
 */
export async function lockHolder(stateDir: string): Promise<Holder | undefined> {
  const lock = await stat(join(stateDir, 'lock.db')).catch(() => undefined)
  if (!lock) return undefined
  // The device is left out: btrfs and overlays tell another one here than stat does.
  // "5: POSIX  ADVISORY  WRITE 3505 fe:00:2179148 1073741824 1073742335"
  const held = (await readFile('/proc/locks', 'utf8').catch(() => ''))
    .split('\n')
    .map((line) => /POSIX\s+ADVISORY\s+WRITE\s+(\d+)\s+\w+:\w+:(\d+)\s/.exec(line))
    .find((match) => match !== null && Number(match[2]) === lock.ino)
  return held ? describeProcess(Number(held[1])) : undefined
}

async function describeProcess(pid: number): Promise<Holder> {
  const stats = (await readIfReadable(`/proc/${pid}/stat`)) ?? ''
  const state = /^\d+ \(.*\) (\w)/s.exec(stats)?.[1]
  return { pid, command: await commandOf(pid), isSuspended: state === 'T' || state === 't' }
}
