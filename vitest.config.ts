import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Tests of one module that take too long to be run with the fast ones. */
const long = '**/*.long.test.ts'
const excluded = ['node_modules/**', 'dist/**']
/**
 * All threads of a process share the code by which WebAssembly calls JavaScript. When threads come and go, V8
 * sometimes frees such code twice, finds that out, and ends the process by SIGTRAP: "jit_page.has_value()". So it
 * frees none; and it does without protection keys, whose books are the same. Tests that end threads in the middle
 * of their work are among the long ones, each file in a process of its own.
 */
const execArgv = ['--no-memory-protection-keys', '--no-wasm-code-gc']
/**
 * Where processes and threads find each file of ours compiled, without its types. Else each thread loads what
 * takes the types away, which is WebAssembly and slow.
 */
const NODE_COMPILE_CACHE = fileURLToPath(new URL('node_modules/.cache/edgeward', import.meta.url))

export default defineConfig({
  test: {
    // Most of the time a test waits: for a disk, a process, a moment to come.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    reporters: ['default', './test/reporter.ts'],
    env: { NODE_COMPILE_CACHE },
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
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
