import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Tests of one module that take too long to be run with the fast ones. */
const long = '**/*.long.test.ts'
const excluded = ['node_modules/**', 'dist/**']
/**
 * V8 keeps one table of the pages that hold code for all threads of a process, and on processors with memory
 * protection keys it sometimes loses track when hundreds of threads come and go: "jit_page.has_value()".
 * So the flag; and tests that end threads in the middle of their work are among the long ones, each file in a
 * process of its own.
 */
const execArgv = ['--no-memory-protection-keys']
/** Where the processes that the tests start find each file of ours compiled; else each compiles all of them. */
const NODE_COMPILE_CACHE = fileURLToPath(new URL('node_modules/.cache/edgeward', import.meta.url))

export default defineConfig({
  test: {
    // Most of the time a test waits: for a disk, a process, a moment to come.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    reporters: ['default', './test/reporter.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...excluded, 'test/**', long],
          // Processes, not threads: what one file does to its process is nothing to vitest itself.
          pool: 'forks',
          isolate: false,
          execArgv,
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/**/*.test.ts', long],
          exclude: excluded,
          pool: 'forks',
          execArgv,
          env: { NODE_COMPILE_CACHE },
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
