import { join } from 'node:path'
import { type Check, type Finding, failed, ok, skipped, warning } from '../../core/diagnosis.ts'
import { cgroupOf, smallestRoom } from './cgroup.ts'
import { type KernelView, nearShare, numbers } from './limits.ts'
import { readIfReadable } from './processes.ts'

export function memoryCheck(kernel: KernelView): Check {
  return { id: 'memory', title: 'memory', run: () => describeMemory(kernel) }
}

/** The daemon needs a few times ten megabytes more at once when people sign in. */
const leastBytes = 24 * 1024 * 1024
const fewBytes = 64 * 1024 * 1024

async function describeMemory({ view, proc, sys }: KernelView): Promise<Finding> {
  const text = await readIfReadable(join(proc, 'meminfo'))
  const bytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text ?? '')?.[1] ?? Number.NaN) * 1024
  const [available, swap, swapFree] = [bytes('MemAvailable'), bytes('SwapTotal'), bytes('SwapFree')]
  if (Number.isNaN(available)) return skipped('the kernel does not show it here')
  const facts = { availableBytes: available, swapBytes: swap, swapFreeBytes: swapFree }
  const free = `${megabytes(available)} MB of memory can still be had`
  const cure =
    'See what takes it ("ps aux --sort=-rss | head"), end what is not needed, or give the box more.'
  if (available < leastBytes) return failed(`only ${free}: the kernel is about to end programs`, cure, facts)
  const tight = available < fewBytes ? warning(`only ${free}`, cure, facts) : undefined
  return (
    tight ??
    (await describeCommit(bytes, proc)) ??
    describeSwap(swap, swapFree, facts) ??
    (await describeGroup({ view, proc, sys })) ??
    ok(free, facts)
  )
}

const strict = 2

/** Node and SQLite ask for much more than they use; a kernel that promises nothing it has not refuses. */
async function describeCommit(bytes: (name: string) => number, proc: string): Promise<Finding | undefined> {
  const [mode] = numbers(await readIfReadable(join(proc, 'sys/vm/overcommit_memory')))
  const [limit, committed] = [bytes('CommitLimit'), bytes('Committed_AS')]
  if (mode !== strict || !(committed > limit * nearShare)) return undefined
  return warning(
    `the kernel promises no more memory than it has (vm.overcommit_memory=2), and ${megabytes(committed)} of ${megabytes(limit)} MB are promised: programs fail to start threads`,
    'Set vm.overcommit_memory to 0, or raise vm.overcommit_ratio.',
    { committedBytes: committed, limitBytes: limit },
  )
}

function describeSwap(swap: number, swapFree: number, facts: Finding['facts']): Finding | undefined {
  if (!(swap > 0) || swapFree > swap * (1 - nearShare)) return undefined
  return warning(
    `the swap is full: ${megabytes(swapFree)} of ${megabytes(swap)} MB are free; a box that swaps is slow, and wears its flash`,
    'See what takes the memory ("ps aux --sort=-rss | head"), end what is not needed, or give the box more.',
    facts,
  )
}

async function describeGroup({
  view,
  proc,
  sys,
}: Pick<KernelView, 'view' | 'proc' | 'sys'>): Promise<Finding | undefined> {
  const pid = (await view.holder)?.pid
  const group = pid === undefined ? undefined : await cgroupOf(pid, { proc, sys })
  if (!group) return undefined
  const raise = 'Raise MemoryMax= in the unit ("systemctl edit edgeward"), or the limit of the container.'
  const room = await smallestRoom(group, 'memory')
  if (room && room.used > room.most * nearShare)
    return warning(
      `the daemon uses ${megabytes(room.used)} of the ${megabytes(room.most)} MB that its control group may have`,
      raise,
      { group: room },
    )
  const events = (await readIfReadable(join(group[0] as string, 'memory.events'))) ?? ''
  const kills = Number(/^oom_kill (\d+)$/m.exec(events)?.[1] ?? 0)
  if (kills === 0) return undefined
  return warning(
    `the kernel has ended ${kills} processes of the daemon's control group for want of memory`,
    `See "journalctl -k | grep -i oom". ${raise}`,
    { kills },
  )
}

const megabytes = (bytes: number): number => Math.floor(bytes / 1024 / 1024)
