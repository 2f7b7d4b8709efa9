import type { Command } from 'commander'
import { exampleConfig } from '../../config.ts'
import { type CommonOptions, createContext } from '../context.ts'
import { print } from '../output.ts'

export function configCommands(program: Command): void {
  const config = program.command('config').description('the configuration file')
  config
    .command('check')
    .description('check the configuration file and the environment')
    .action((_options, command: Command) => {
      const { json } = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      print(json, { ok: true }, 'the configuration is valid')
    })

  config
    .command('show')
    .description('the configuration in force, defaults included; durations in milliseconds')
    .action((_options, command: Command) => {
      const { config: inForce } = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      print(true, inForce, '')
    })

  config
    .command('example')
    .description('a configuration file with every key, its meaning and default')
    .action(() => {
      process.stdout.write(exampleConfig())
    })
}
