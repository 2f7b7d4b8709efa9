import type { Command, Option } from 'commander'

/** A command as its help shows it. */
export interface Words {
  /** What is typed before it, without the program's name; empty for the program. */
  readonly path: readonly string[]
  readonly usage: string
  readonly description: string
  readonly arguments: readonly { term: string; description: string }[]
  readonly options: readonly OptionWords[]
  readonly commands: readonly Words[]
}

export interface OptionWords {
  /** As in the help: `-n, --lines <count>`. */
  readonly term: string
  readonly description: string
  readonly flags: readonly string[]
  readonly takesValue: boolean
  readonly choices: readonly string[]
}

/** The program of which this is a command. */
export const programOf = (command: Command): Command => (command.parent ? programOf(command.parent) : command)

/** All that there is to type, from the same place as `--help`. */
export function wordsOf(command: Command, path: readonly string[] = []): Words {
  const help = command.createHelp()
  return {
    path,
    usage: help.commandUsage(command),
    description: command.description(),
    arguments: help.visibleArguments(command).map((argument) => ({
      term: help.argumentTerm(argument),
      description: help.argumentDescription(argument),
    })),
    options: help.visibleOptions(command).map((option) => ({
      term: help.optionTerm(option),
      description: help.optionDescription(option),
      flags: flagsOf(option),
      takesValue: option.required || option.optional,
      choices: option.argChoices ?? [],
    })),
    commands: help
      .visibleCommands(command)
      .filter((each) => each.name() !== 'help')
      .map((each) => wordsOf(each, [...path, each.name()])),
  }
}

const flagsOf = ({ short, long }: Option): string[] => [short, long].filter((flag) => flag !== undefined)

/** The command itself and all below it, in the order of the help. */
export const flat = (words: Words): Words[] => [words, ...words.commands.flatMap(flat)]
