import type { Command } from 'commander'
import { Invalid } from '../../core/errors.ts'
import { type CommonOptions, createContext } from '../context.ts'
import { readPassword } from '../input.ts'
import { print } from '../output.ts'

interface LinkOptions {
  version?: string
  clientId: string
  secretStdin?: boolean
}

/** What an app of the box is at the hub. */
export function hubLinkCommands(app: Command): void {
  app
    .command('link-hub <name>')
    .description("give a version of an app its credentials at the hub, so that it gets the hub's tokens here")
    .option('--version <version>', 'which version, where there are several; the hub has it by the same name')
    .requiredOption('--client-id <id>', 'client id that "edgeward hub app add" has printed')
    .option('--secret-stdin', 'read its secret from standard input')
    .action(async (name: string, { version, clientId, secretStdin }: LinkOptions, command: Command) => {
      if (!secretStdin)
        throw new Invalid('the secret is missing', { cure: 'Pipe it in, and give --secret-stdin.' })
      const hub = { hubClientId: clientId, hubSecret: await readPassword() }
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const linked = await context.operate<object>('app.linkHub', { ...named(name, version), ...hub })
      print(context.json, linked, `app ${name} linked to ${clientId} of the hub`)
    })
  app
    .command('unlink-hub <name>')
    .description('forget the credentials of an app at the hub')
    .option('--version <version>', 'which version, where there are several')
    .action(async (name: string, { version }: { version?: string }, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const unlinked = await context.operate<object>('app.unlinkHub', named(name, version))
      print(context.json, unlinked, `app ${name} is not linked to the hub any more`)
    })
}

const named = (name: string, version: string | undefined) => ({
  name,
  ...(version === undefined ? {} : { version }),
})
