import { spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { systemClock } from '../../core/clock.ts'
import { runProgram } from '../harness.ts'
import { loopDisk, mountCopy } from '../loop-disk.ts'

export interface LiveCuts {
  scratch: string
  cuts: number
  /** The program that works in the directory it is given, and says its promises on stdout. */
  command(dir: string): readonly [string, ...string[]]
  said(line: string): void
  /** The directory as the cut left it, and all that was said before. */
  examine(dir: string, cut: number): Promise<void>
}

/**
 * Copies the image of a block device while a program writes to it: what has reached the device is there,
 * what only the page cache holds is not. ext4 then replays its journal, as after a power cut.
 */
export async function cutLive({ scratch, cuts, command, said, examine }: LiveCuts): Promise<void> {
  const at = join(scratch, 'device')
  await mkdir(at)
  await using disk = await loopDisk(at, 128)
  const [program, ...args] = command(join(disk.path, 'box'))
  await mkdir(join(disk.path, 'box'))
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = new Promise((resolve) => child.once('exit', resolve))
  createInterface({ input: child.stdout }).on('line', said)
  try {
    for (let cut = 0; cut < cuts && child.exitCode === null && child.signalCode === null; cut++) {
      await systemClock.sleep(200 + Math.random() * 1500)
      child.kill('SIGSTOP')
      await systemClock.sleep(50) // what it had said is read
      const image = join(scratch, 'copy.img')
      await runProgram('cp', ['--sparse=always', disk.image, image])
      const mount = await mountCopy(image, join(scratch, 'copy'))
      await examine(join(scratch, 'copy', 'box'), cut).finally(() => mount[Symbol.asyncDispose]())
      child.kill('SIGCONT')
    }
  } finally {
    child.kill('SIGKILL')
    await exited
  }
}
