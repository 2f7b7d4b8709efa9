import { watch } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Check, type Finding, ok, skipped, warning } from '../../core/diagnosis.ts'
import { cgroupOf, smallestRoom } from './cgroup.ts'
import type { DaemonView } from './daemon-view.ts'
import { readIfReadable } from './processes.ts'

export interface KernelView {
  view: DaemonView
  stateDir: string
  /** `/proc` and `/sys`. */
  proc: string
  sys: string
}

/** Above this share of a limit of the kernel the next busy hour meets it. */
export const nearShare = 0.9

/** What the kernel lets processes have, and how much of it is taken. */
export function limitChecks(kernel: KernelView): Check[] {
  return [
    { id: 'limits.files', title: 'open files', run: () => describeFiles(kernel) },
    { id: 'limits.processes', title: 'processes and threads', run: () => describeThreads(kernel) },
    {
      id: 'limits.watches',
      title: 'file watches',
      needs: ['state'],
      run: () => describeWatches(kernel),
    },
  ]
}

const pidOf = async ({ holder, described }: DaemonView): Promise<number | undefined> =>
  (await holder)?.pid ?? (await described())?.pid

async function describeFiles({ view, proc }: KernelView): Promise<Finding> {
  const [open = Number.NaN, , most = Number.NaN] = numbers(await readIfReadable(join(proc, 'sys/fs/file-nr')))
  const facts = { open, most }
  if (open > most * nearShare)
    return warning(
      `${open} files are open on this box, of ${most} that the kernel allows`,
      'Find the program that opens them ("lsof | wc -l" for each), or raise fs.file-max ("sysctl -w fs.file-max=…").',
      facts,
    )
  const pid = await pidOf(view)
  const own = pid === undefined ? undefined : await filesOf(pid, proc)
  if (own && own.open > own.most * nearShare)
    return warning(
      `the daemon has ${own.open} files and connections open, of ${own.most} that it may`,
      'See what opens so many ("ss -tnp"), or raise LimitNOFILE= in the unit ("systemctl edit edgeward").',
      { ...facts, daemon: own },
    )
  if (!Number.isFinite(open)) return skipped('the kernel does not show it here')
  const daemon = own ? `; the daemon has ${own.open} of ${own.most}` : ''
  return ok(`${open} of ${most} on this box${daemon}`, { ...facts, ...(own ? { daemon: own } : {}) })
}

async function filesOf(pid: number, proc: string): Promise<{ open: number; most: number } | undefined> {
  const limits = await readIfReadable(join(proc, `${pid}`, 'limits'))
  const most = Number(/^Max open files\s+(\d+)/m.exec(limits ?? '')?.[1] ?? Number.NaN)
  const open = await readdir(join(proc, `${pid}`, 'fd')).catch(() => undefined)
  return open && Number.isFinite(most) ? { open: open.length, most } : undefined
}

async function describeThreads({ view, proc, sys }: KernelView): Promise<Finding> {
  const [, total] = /\d+\/(\d+)/.exec((await readIfReadable(join(proc, 'loadavg'))) ?? '') ?? []
  const settings = await Promise.all(
    ['threads-max', 'pid_max'].map((name) => readIfReadable(join(proc, 'sys/kernel', name))),
  )
  const most = Math.min(...settings.map((text) => numbers(text)[0] ?? Number.POSITIVE_INFINITY))
  if (total === undefined || !Number.isFinite(most)) return skipped('the kernel does not show it here')
  const facts = { threads: Number(total), most }
  if (Number(total) > most * nearShare)
    return warning(
      `${total} threads run on this box, of ${most} that the kernel allows`,
      'Find the program that starts them ("ps -eLf"), or raise kernel.pid_max and kernel.threads-max.',
      facts,
    )
  const pid = await pidOf(view)
  const group = pid === undefined ? undefined : await cgroupOf(pid, { proc, sys })
  const room = group && (await smallestRoom(group, 'pids'))
  if (room && room.used > room.most * nearShare)
    return warning(
      `the daemon and its children have ${room.used} threads, of ${room.most} that their control group may`,
      'Raise TasksMax= in the unit ("systemctl edit edgeward").',
      { ...facts, group: room },
    )
  return ok(`${total} of ${most} on this box`, facts)
}

/** Tried, since the kernel does not tell how many are taken. edgeward itself does not need any. */
async function describeWatches({ stateDir, proc }: KernelView): Promise<Finding> {
  const [instances, watches] = await Promise.all(
    ['max_user_instances', 'max_user_watches'].map((name) =>
      readIfReadable(join(proc, 'sys/fs/inotify', name)),
    ),
  )
  const facts = { instances: numbers(instances)[0], watches: numbers(watches)[0] }
  try {
    watch(stateDir, { persistent: false }).close()
    return ok('the kernel gives one', facts)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const setting = { EMFILE: 'fs.inotify.max_user_instances', ENOSPC: 'fs.inotify.max_user_watches' }[
      code ?? ''
    ]
    if (setting === undefined) return skipped(`it could not be tried: ${message}`)
    return warning(
      `the kernel gives this user no further watch on files (${setting}): a proxy or tool that waits for changes does not see them`,
      `Raise it: "sysctl -w ${setting}=…", twice what it is, and keep that in /etc/sysctl.d.`,
      facts,
    )
  }
}

export const numbers = (text: string | undefined): number[] =>
  (text ?? '').trim().split(/\s+/).filter(Boolean).map(Number)
