import { readOwnFile } from './program.ts'

/** The version of this release. */
export const release: string = JSON.parse(
  readOwnFile(new URL('../package.json', import.meta.url)).toString(),
).version

/**
 * The beginning of the year of this release, epoch milliseconds: no clock that is right shows an earlier
 * time. The year is enough to know a clock that was reset.
 */
export const releasedAt = Date.UTC(2026, 0, 1)
