import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runProgram, tempDir } from './harness.ts'

const program = fileURLToPath(new URL('run.ts', import.meta.url))
const fixtures = fileURLToPath(new URL('run/', import.meta.url))

/** What `npm test` makes of these fixtures. */
async function outcome(...names: string[]) {
  await using dir = await tempDir()
  const files = names.map((name) => `${name}.fixture.ts`)
  const env = { ENDED_ONCE: join(dir.path, 'ended'), NO_COLOR: '1' }
  const args = [program, '--root', fixtures, '--config', 'config.fixture.ts', ...files]
  const { code, stdout, stderr } = await runProgram(process.execPath, args, { env })
  const said = stderr.split('\n').filter((line) => line.startsWith('V8 ended'))
  return { code, said, runs: stdout.split(' RUN ').length - 1, closing: stdout.trimEnd().split('\n').at(-1) }
}

const ended = (name: string) => `V8 ended the process of test/run/${name}.fixture.ts (SIGTRAP). Once more:`
const twice = (name: string) => `run twice, as V8 ended the process: test/run/${name}.fixture.ts`

test.concurrent('a file whose process V8 has ended is run once more, which decides, and each test counts once', async () => {
  expect(await outcome('ended-once', 'passing')).toEqual({
    ...{ code: 0, said: [ended('ended-once')], runs: 2 },
    closing: `3 passed, 0 failed, 1 skipped; ${twice('ended-once')}`,
  })
})

test.concurrent('a file whose process V8 ends twice has failed', async () => {
  expect(await outcome('ended-always', 'passing')).toEqual({
    ...{ code: 1, said: [ended('ended-always')], runs: 2 },
    closing: `1 passed, 1 failed, 1 skipped; ${twice('ended-always')}`,
  })
})

test.concurrent('a failure of another file is not made good by the second run', async () => {
  expect(await outcome('ended-once', 'failing')).toEqual({
    ...{ code: 1, said: [ended('ended-once')], runs: 2 },
    closing: `2 passed, 1 failed; ${twice('ended-once')}`,
  })
})

test.concurrent('what fails, or is ended by any other signal, is run once', async () => {
  expect(await outcome('killed')).toEqual({ code: 1, said: [], runs: 1, closing: '0 passed, 1 failed' })
  expect(await outcome('failing', 'passing')).toEqual({
    ...{ code: 1, said: [], runs: 1 },
    closing: '1 passed, 1 failed, 1 skipped',
  })
})
