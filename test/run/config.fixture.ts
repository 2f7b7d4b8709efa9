import { defineConfig } from 'vitest/config'

/** As the unit tests run: files share a process. */
export default defineConfig({
  test: {
    ...{ include: ['*.fixture.ts'], exclude: ['config.fixture.ts'] },
    ...{ pool: 'forks', isolate: false, maxWorkers: 2 },
  },
})
