import { defineConfig } from 'vitest/config'

/** Tests of one module that take too long to be run with the fast ones. */
const long = '**/*.long.test.ts'
const excluded = ['node_modules/**', 'dist/**']

export default defineConfig({
  test: {
    reporters: ['default', './test/reporter.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...excluded, 'test/**', long],
          pool: 'threads',
          isolate: false,
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/**/*.test.ts', long],
          exclude: excluded,
          pool: 'forks',
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
