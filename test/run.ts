import { relative, resolve } from 'node:path'
import { parseCLI, startVitest, type Vitest } from 'vitest/node'
import { type Counts, count, inWords } from './reporter.ts'

/**
 * `npm test`: vitest, with its options and filters.
 *
 * V8 ends a process by SIGTRAP when it finds its own books wrong. That says nothing of what is tested: the file
 * is run once more by a fresh vitest, which decides. A file to which it happens twice has failed.
 */
const args = process.argv.slice(2)

interface Outcome {
  counts: Counts
  /** Files whose process V8 has ended; none of their tests is counted. */
  ended: string[]
  /** Whether anything else has gone wrong. */
  failed: boolean
  vitest: Vitest
}

/** Of all that the options select, or of these files. */
async function run(files?: readonly string[]): Promise<Outcome> {
  const { filter, options } = parseCLI(['vitest', 'run', ...args])
  if ('help' in options) process.exit() // it has been printed
  const { exclude, ...others } = options
  const cliExclude = exclude === undefined ? {} : { cliExclude: [exclude].flat() }
  // The closing line is written here.
  const vitest = await startVitest([...(files ?? filter)], {
    ...others,
    ...cliExclude,
    reporters: ['default'],
  })
  const errors = vitest.state.getUnhandledErrors()
  const ended = [...new Set(errors.flatMap(endedByV8))].map((file) => resolve(vitest.config.root, file))
  const counts = count(vitest.state.getTestModules().filter(({ moduleId }) => !ended.includes(moduleId)))
  const failed = counts.failed > 0 || errors.some((error) => endedByV8(error).length === 0)
  return { counts, ended, failed, vitest }
}

/** The files that a process ran when V8 ended it; none for any other error. */
function endedByV8(error: unknown): string[] {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : ''
  const [, files] = /exited unexpectedly with signal SIGTRAP .* test files? (.+)$/.exec(cause) ?? []
  return files?.split(', ') ?? []
}

const sum = (a: Counts, b: Counts): Counts => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
})

const first = await run()
if (!first.vitest.shouldKeepServer()) {
  const { ended } = first
  let { counts, vitest } = first
  let remark = ''
  if (ended.length > 0) {
    const names = ended.map((file) => relative(process.cwd(), file)).join(', ')
    process.stderr.write(`\nV8 ended the process of ${names} (SIGTRAP). Once more:\n`)
    process.exitCode = first.failed ? 1 : undefined
    const second = await run(ended)
    counts = sum(counts, second.counts)
    counts.failed += second.ended.length
    vitest = second.vitest
    remark = `; run twice, as V8 ended the process: ${names}`
  }
  process.stdout.write(`\n${inWords(counts)}${remark}\n`)
  await vitest.exit()
}
