import { Argument, type Command } from 'commander'
import { release, releasedAt } from '../../core/release.ts'
import { completion, manPage, programOf, type Shell, shells, wordsOf } from '../manual/index.ts'

/** What is said of the commands elsewhere than in --help, made of the same words. */
export function manualCommands(program: Command): void {
  program
    .command('completion')
    .description('print what a shell reads to complete these commands: source <(edgeward completion bash)')
    .addArgument(new Argument('<shell>').choices(shells))
    .action((shell: Shell, _options, command: Command) => {
      process.stdout.write(completion(shell, wordsOf(programOf(command))))
    })

  program
    .command('manual')
    .description('print the page of the manual, for man: edgeward manual | man -l -')
    .option('--date <date>', 'of the page, as 2026-11-22')
    .action(({ date }: { date?: string }, command: Command) => {
      const at = date ?? new Date(releasedAt).toISOString()
      process.stdout.write(manPage(wordsOf(programOf(command)), { release, date: at }))
    })
}
