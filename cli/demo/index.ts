import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { type Clock, systemClock } from '../../core/clock.ts'
import { stopSignal } from '../serve.ts'

export function demoCommand(program: Command): void {
  program
    .command('demo')
    .description('hub, gateway and a simulated plant in a temporary directory; stays up until Ctrl-C')
    .option('--once', 'check the whole chain for both profiles, print one JSON summary line and end')
    .action(async ({ once }: { once?: boolean }, command: Command) => {
      const { json } = command.optsWithGlobals<{ json?: boolean }>()
      const say = (line: string) => (json ? process.stderr : process.stdout).write(`${line}\n`)
      const dir = await mkdtemp(join(tmpdir(), 'edgeward-demo-'))
      const stop = stopSignal()
      const clock: Clock = { ...systemClock, sleep: (ms) => systemClock.sleep(ms, stop) } // Ctrl-C ends any wait
      const { runOnce, stayUp } = await import('./demo.ts') // much, and for no other command
      try {
        if (once) await runOnce(dir, clock, say)
        else await stayUp(dir, clock, say, stop)
      } finally {
        await rm(dir, { recursive: true, force: true })
      }
    })
}
