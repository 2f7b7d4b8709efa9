import type { Command } from 'commander'
import { type CommonOptions, createContext } from '../context.ts'
import { columns, fields, print, when } from '../output.ts'

interface Option {
  category: string
  key: string
  value: string
  updatedAt: number
  revision: number
  locked: boolean
}

interface KnownOption {
  category: string
  key: string
  description: string
}

export function optionCommands(program: Command): void {
  const option = program
    .command('option')
    .description('settings that are changed while the box runs, and obeyed at once')

  option
    .command('list [category]')
    .description('options that were set')
    .action(async (category: string | undefined, _options: object, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const options = await context.operate<Option[]>(
        'option.list',
        category === undefined ? {} : { category },
      )
      const rows = options.map(({ category, key, value, updatedAt, locked }) => [
        ...[category, key, value, when(updatedAt), locked ? 'locked' : ''],
      ])
      print(context.json, options, () =>
        columns(['CATEGORY', 'KEY', 'VALUE', 'SINCE', ''], rows, 'no options: the configuration file counts'),
      )
    })

  option
    .command('known')
    .description('options that edgeward itself obeys')
    .action(async (_options: object, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const known = await context.operate<KnownOption[]>('option.known')
      const rows = known.map(({ category, key, description }) => [category, key, description])
      print(context.json, known, () => columns(['CATEGORY', 'KEY', 'MEANING'], rows, 'none'))
    })

  option
    .command('get <category> <key>')
    .description('show an option')
    .action(async (category: string, key: string, _options: object, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const option = await context.operate<Option>('option.get', { category, key })
      print(context.json, option, () =>
        fields([
          ['value', option.value],
          ['since', when(option.updatedAt)],
          ['revision', option.revision],
          ['locked', option.locked ? 'by the configuration file' : undefined],
        ]),
      )
    })

  option
    .command('set <category> <key> <value>')
    .description('set an option')
    .option('--if-revision <number>', 'only while this is its revision; 0: only when it is not set')
    .action(
      async (
        category: string,
        key: string,
        value: string,
        { ifRevision }: { ifRevision?: string },
        command: Command,
      ) => {
        const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
        const condition = ifRevision === undefined ? {} : { ifRevision: Number(ifRevision) }
        const option = await context.operate<Option>('option.set', { category, key, value, ...condition })
        print(context.json, option, `option ${category}/${key} set`)
      },
    )

  option
    .command('remove <category> <key>')
    .description('remove an option; its default counts again')
    .action(async (category: string, key: string, _options: object, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      await context.operate('option.remove', { category, key })
      print(context.json, {}, `option ${category}/${key} removed`)
    })
}
