import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { createLog } from '../../core/log.ts'
import { release } from '../../core/release.ts'
import { type PlaceOptions, resolveConfigFile, resolvePlaces } from '../places.ts'
import { runSteps, type Step, type StepResult } from '../self-check/step.ts'
import { stateKind } from '../state/kind.ts'

const timeLimitMs = 60_000

type Options = PlaceOptions & { json?: boolean }

/** Run by the package before it switches to this release: nothing of the box is changed. */
export function selfCheckCommand(program: Command): void {
  program
    .command('self-check')
    .description('whether this release would run on this box; changes nothing; exit code 1 when it would not')
    .action(async (_options: object, command: Command) => {
      const options = command.optsWithGlobals<Options>()
      const results: StepResult[] = []
      for await (const result of runSteps(await stepsFor(options), AbortSignal.timeout(timeLimitMs))) {
        results.push(result)
        if (!options.json)
          process.stdout.write(`${result.state.padEnd(7)}  ${result.step.padEnd(13)}  ${result.said}\n`)
      }
      const ok = results.every(({ state }) => state !== 'failed')
      if (options.json) process.stdout.write(`${JSON.stringify({ release, ok, steps: results })}\n`)
      process.exitCode = ok ? 0 : 1
    })
}

/** What cannot be loaded must fail in its own step. */
async function stepsFor(options: Options): Promise<Step[]> {
  const isRoot = process.getuid?.() === 0
  const places = resolvePlaces('gateway', options, process.env, isRoot)
  return [
    {
      name: 'configuration',
      async run() {
        const file = resolveConfigFile(options, process.env, isRoot)
        loadConfig({ file, env: process.env })
        return { said: existsSync(file.path) ? `${file.path} is valid` : 'there is no file: defaults' }
      },
    },
    {
      name: 'modules',
      async run() {
        await import('../../main.ts')
        return { said: `edgeward ${release} loads` }
      },
    },
    ...(await checks(places)),
  ]
}

async function checks(places: ReturnType<typeof resolvePlaces>): Promise<Step[]> {
  try {
    const log = createLog('silent')
    const { programSteps } = await import('../self-check/program.ts')
    const { databaseStep } = await import('../self-check/databases.ts')
    const kind = await stateKind('gateway', log)
    return [...programSteps([kind, await stateKind('hub', log)]), databaseStep(kind, places)]
  } catch (error) {
    return [{ name: 'program', run: () => Promise.reject(error) }]
  }
}
