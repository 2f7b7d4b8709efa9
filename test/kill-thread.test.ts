import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { type CommandResult, runProgram } from './harness.ts'
import type { Verdict } from './kill-thread/deaths.fixture.ts'

/**
 * The thread of the outbox is terminated in the middle of whatever it does, while sources append and a far
 * side acknowledges as badly as it can. KILL_ROUNDS makes more of it.
 *
 * In a process of its own: Node itself sometimes crashes when a thread is terminated while it loads or runs
 * native code. That says nothing of the outbox; it is told, and the rounds are run again with another seed.
 */
const rounds = Number(process.env.KILL_ROUNDS ?? 95)
const attempts = 4
const fixture = fileURLToPath(new URL('kill-thread/deaths.fixture.ts', import.meta.url))

async function verdict(mode: string): Promise<Verdict> {
  let result: CommandResult | undefined
  for (let attempt = 1; attempt <= attempts; attempt++) {
    result = await runProgram(process.execPath, [fixture, mode, String(rounds), String(attempt)])
    if (result.code === 0) return JSON.parse(result.stdout) as Verdict
    if (result.code !== null) break // not a signal: a failure of ours
    process.stderr.write(`${mode}: Node crashed at the termination of a thread; once more\n`)
  }
  throw new Error(`${mode}: ended with ${result?.code}: ${result?.stderr.slice(-2000)}`)
}

for (const mode of ['always', 'spill'] as const)
  test(`terminating the outbox's thread loses nothing and stores nothing twice (${mode})`, async () => {
    const { kept, threads, rows, ...faults } = await verdict(mode)
    // One in four deaths may meet a thread that is dead already.
    expect(threads, 'threads that were started').toBeGreaterThan((rounds * 3) / 4)
    expect(kept).toBeGreaterThan(rounds)
    expect(faults).toEqual({ refused: [], lost: [], twice: 0, changed: [], missing: [], unbalanced: [] })
    process.stderr.write(
      `${rounds} deaths of the outbox's thread (${mode}): ${kept} kept, 0 lost, 0 twice, ${rows} rows of the ledger\n`,
    )
  }, 600_000)
