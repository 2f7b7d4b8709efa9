import { mkdir, readFile, realpath, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, test } from 'vitest'
import { describeWith } from '../peers.ts'
import type { Boxes } from './boxes.ts'
import { type Fault, mayNotMount, names, namesAll, withMounts } from './record.ts'

const inOrder = { concurrent: false }
const ofOurs = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** What the kernel and the disk tell is laid over for the command alone; the box itself is well. */
export const machineFaults = (boxes: () => Boxes) =>
  describe.concurrent('the machine', () => {
    /** Files whose content is laid over others. */
    const over = async (texts: Readonly<Record<string, string>>): Promise<Record<string, string>> => {
      const mounts = Object.entries(texts).map(async ([path, text]) => {
        const file = join(boxes().dir, `over${path.replaceAll('/', '-')}`)
        await writeFile(file, text)
        return [path, file] as const
      })
      return Object.fromEntries(await Promise.all(mounts))
    }

    test.skipIf(mayNotMount)(
      'what the kernel has left, and an old daemon (needs root)',
      inOrder,
      async () => {
        const path = ofOurs('package.json')
        const mounts = await over({
          '/proc/sys/fs/file-nr': '9700\t0\t10000\n',
          '/proc/loadavg': '9.0 9.0 9.0 3/32700 99\n',
          '/proc/meminfo': meminfo({ MemAvailable: 12_000 }),
          [path]: (await readFile(path, 'utf8')).replace(/"version": ".*?"/, '"version": "99.0.0"'),
        })
        const faults: Fault[] = [
          [
            'open files at the limit',
            { ...isWarned, id: 'limits.files', says: /9700 files are open.*10000/ },
          ],
          ['threads at the limit', { ...isWarned, id: 'limits.processes', says: /32700 threads run/ }],
          ['memory used up', { id: 'memory', says: /only 11 MB of memory/ }],
          [
            'daemon of an older release',
            { ...isWarned, id: 'daemon.release', says: /99\.0\.0 is installed/ },
          ],
        ]
        await namesAll(faults, boxes().bare.dir, { under: withMounts(mounts) })
      },
    )

    test.skipIf(mayNotMount)('memory and control group (needs root)', inOrder, async () => {
      const { bare, dir } = boxes()
      const groups = join(dir, 'cgroup')
      await mkdir(groups)
      const swap = await over({
        '/proc/meminfo': meminfo({ SwapFree: 4000 }),
        [`/proc/${bare.gateway.process.pid}/cgroup`]: '0::/\n',
      })
      await writeFile(join(groups, 'pids.max'), '64\n')
      await writeFile(join(groups, 'pids.current'), '62\n')
      const many = { ...isWarned, id: 'limits.processes', says: /62 threads, of 64/ }
      const full = { ...isWarned, id: 'memory', says: /the swap is full/ }
      const under = withMounts({ ...swap, '/sys/fs/cgroup': groups })
      const both: Fault[] = [
        ['swap full', full],
        ['thread limit of the unit near', many],
      ]
      await namesAll(both, bare.dir, { under })

      await over({ '/proc/meminfo': meminfo({}) })
      const megabyte = 1024 * 1024
      await writeFile(join(groups, 'memory.max'), `${256 * megabyte}\n`)
      await writeFile(join(groups, 'memory.current'), `${250 * megabyte}\n`)
      await writeFile(join(groups, 'memory.stat'), `inactive_file ${4 * megabyte}\n`)
      const tight = { ...isWarned, id: 'memory', says: /uses 246 of the 256 MB/ }
      await names('memory limit of the unit near', tight, bare.dir, { under })
    })

    test.skipIf(mayNotMount)('file watches (needs root)', inOrder, async () => {
      const script = 'echo 0 > /proc/sys/user/max_inotify_instances && exec "$@"'
      const under = ['unshare', '--user', '--map-root-user', 'sh', '-c', script, 'sh']
      const none = { ...isWarned, id: 'limits.watches', says: /max_user_instances/ }
      await names('no inotify instance left', none, boxes().bare.dir, { under })
    })

    test.skipIf(mayNotMount)('flash and its file system (needs root)', inOrder, async ({ skip }) => {
      const { bare, dir } = boxes()
      const device = await deviceOf(bare.dir)
      const errors = device && `/sys/fs/ext4/${basename(device)}/errors_count`
      if (!errors || !(await stat(errors).catch(() => undefined)))
        return skip('the state is not on the ext4 of a block device here')
      const card = join(dir, 'device')
      await mkdir(join(card, 'device'), { recursive: true })
      await writeFile(join(card, 'size'), '62333952\n')
      await writeFile(join(card, 'device/life_time'), '0x0b 0x02\n')
      const under = withMounts({ ...(await over({ [errors]: '17\n' })), [device]: card })
      const faults: Fault[] = [
        ['eMMC worn out', { id: 'flash.health', says: /more than it was made for/ }],
        ['errors in the file system', { ...isWarned, id: 'state.filesystem', says: /has met 17 errors/ }],
      ]
      await namesAll(faults, bare.dir, { under })
      await writeFile(join(card, 'device/life_time'), '0x03 0x02\n')
      await writeFile(join(card, 'device/pre_eol_info'), '0x02\n')
      const spent = { ...isWarned, id: 'flash.health', says: /80 % of its spare blocks/ }
      await names('eMMC without spare blocks', spent, bare.dir, { under })
    })

    describeWith(['strace'], 'with a disk that takes its time', () => {
      test.skipIf(mayNotMount)('the speed of the disk (needs root)', inOrder, async () => {
        const delayed = ['-e', 'trace=fsync', '-e', 'inject=fsync:delay_enter=400000']
        const under = ['strace', '-f', '--seccomp-bpf', '-o', '/dev/null', ...delayed]
        const slow = { id: 'state.speed', status: 'warning', says: /kept in ([4-9]\d\d|\d{4})/ } as const
        await names('disk that takes 400 ms for each write', slow, boxes().bare.dir, { under })
      })
    })
  })

const isWarned = { status: 'warning' } as const

const roomy = {
  ...{ MemTotal: 1_000_000, MemAvailable: 500_000, SwapTotal: 100_000, SwapFree: 90_000 },
  ...{ CommitLimit: 1_000_000, Committed_AS: 300_000 },
}

const meminfo = (changed: Record<string, number>): string =>
  Object.entries({ ...roomy, ...changed })
    .map(([name, kB]) => `${name}: ${kB} kB\n`)
    .join('')

/** The folder below /sys of the block device that holds a file, if it is one without partitions. */
async function deviceOf(path: string): Promise<string | undefined> {
  const { dev } = await stat(path)
  const number = `${(dev >> 8) & 0xfff}:${(dev & 0xff) | ((dev >> 12) & 0xfff00)}`
  const folder = await realpath(`/sys/dev/block/${number}`).catch(() => undefined)
  if (folder === undefined) return undefined
  const isPartition = await stat(join(folder, 'partition')).catch(() => undefined)
  return isPartition ? undefined : folder
}
