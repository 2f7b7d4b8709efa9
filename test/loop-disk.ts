import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { runProgram } from './harness.ts'

/** An ext4 of its own on a loop device: what reaches the medium can be counted, and its image copied. Needs root. */
export interface LoopDisk extends AsyncDisposable {
  /** Where it is mounted. */
  readonly path: string
  /** The file behind the device. */
  readonly image: string
  /** Since it was made: data, metadata and journal, all that the medium was sent. */
  written(): Promise<Written>
}

export interface Written {
  bytes: number
  flushes: number
}

const sectorBytes = 512

/** `dir` is an empty directory of the caller's; the image and the mount point are made in it. */
export async function loopDisk(dir: string, megabytes: number): Promise<LoopDisk> {
  await using made = new AsyncDisposableStack()
  const image = join(dir, 'disk.img')
  await writeFile(image, '')
  await truncate(image, megabytes * 1024 * 1024)
  // Everything is laid out now: nothing that ext4 would do at leisure is to be counted.
  // A disk so small would otherwise get blocks of 1 KiB, which no card of a box has.
  const layout = ['-b', '4096', '-E', 'lazy_itable_init=0,lazy_journal_init=0']
  await must('mkfs.ext4', ['-q', '-F', ...layout, image])
  const device = (await must('losetup', ['--find', '--show', image])).trim()
  made.defer(async () => void (await must('losetup', ['--detach', device])))
  const path = join(dir, 'mnt')
  await mkdir(path)
  await must('mount', ['-o', 'noatime', device, path])
  made.defer(async () => void (await must('umount', [path])))
  const held = made.move()
  return {
    path,
    image,
    async written() {
      const fields = (await readFile(`/sys/class/block/${basename(device)}/stat`, 'utf8')).trim().split(/\s+/)
      return { bytes: Number(fields[6]) * sectorBytes, flushes: Number(fields[15] ?? 0) }
    },
    async [Symbol.asyncDispose]() {
      await held.disposeAsync()
      await rm(image)
    },
  }
}

/** Mounts an image as after a power cut: ext4 replays its journal. */
export async function mountCopy(image: string, at: string): Promise<AsyncDisposable> {
  await mkdir(at, { recursive: true })
  await must('mount', ['-o', 'loop,noatime', image, at])
  return {
    async [Symbol.asyncDispose]() {
      await must('umount', [at])
    },
  }
}

/** These stand where a user's PATH does not look. */
const env = { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` }

async function must(program: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(program, args, { env })
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr.trim() || `code ${code}`}`)
  return stdout
}
