import { statfs } from 'node:fs/promises'
import { exact } from '../../../core/json.ts'

/** Since the kernel started. */
export interface DiskIo {
  reads: number | bigint
  readSectors: number | bigint
  writes: number | bigint
  writeSectors: number | bigint
  busyMs: number
}

/** /proc/diskstats, by device. */
export const parseDiskStats = (text: string): Map<string, DiskIo> =>
  new Map(
    [...text.matchAll(/^ *\d+ +\d+ +(\S+) +(.*)$/gm)].map(([, name, rest]) => {
      const [reads = '0', , readSectors = '0', , writes = '0', , writeSectors = '0', , , busyMs = '0'] = (
        rest as string
      )
        .trim()
        .split(/\s+/)
      return [
        name as string,
        {
          ...{ reads: exact(reads), readSectors: exact(readSectors) },
          ...{ writes: exact(writes), writeSectors: exact(writeSectors), busyMs: Number(busyMs) },
        },
      ]
    }),
  )

/** The kernel counts in sectors of 512 bytes, whatever the device has. */
export function bytesOf(sectors: number | bigint): number | bigint {
  const bytes = BigInt(sectors) * 512n
  return Number.isSafeInteger(Number(bytes)) ? Number(bytes) : bytes
}

/** Bytes and inodes of the file system that holds the path. */
export async function fileSystem(path: string) {
  const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(path)
  return {
    ...{ total: blocks * bsize, used: (blocks - bfree) * bsize, free: bavail * bsize },
    ...{ inodes: files, inodesUsed: files - ffree, inodesFree: ffree },
  }
}

/** Kinds of file systems that hold no data of their own. */
const unreal =
  /^(proc|sysfs|tmpfs|devtmpfs|devpts|cgroup2?|mqueue|hugetlbfs|debugfs|tracefs|securityfs|pstore|bpf|configfs|fusectl|ramfs|nsfs|autofs|binfmt_misc|efivarfs|squashfs|overlay|rpc_pipefs)$/

/** Mount points of /proc/self/mounts that hold data; always the root. */
export function mountPoints(text: string): string[] {
  const lines = text.split('\n').map((line) => line.split(' '))
  const found = lines.flatMap(([, at, kind]) =>
    at !== undefined && kind !== undefined && !unreal.test(kind) ? [unescaped(at)] : [],
  )
  return [...new Set(['/', ...found])]
}

/** Blanks and the like are in octal digits there. */
const unescaped = (path: string): string =>
  path.replace(/\\([0-7]{3})/g, (_all, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
