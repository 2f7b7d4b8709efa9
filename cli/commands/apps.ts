import type { Command } from 'commander'
import { type CommonOptions, createContext } from '../context.ts'
import { columns, print, when } from '../output.ts'

interface Secret {
  client_id: string
  client_secret: string
}

interface App {
  client_id: string
  versions: { version: string; createdAt?: number }[]
}

export function appCommands(program: Command): void {
  const app = program.command('app').description('edge apps: OAuth clients that may also use the broker')
  app
    .command('add <name>')
    .description('register a version of an app; its secret is printed once')
    .requiredOption('--version <version>', 'version of the app')
    .action((name: string, { version }: { version: string }, command: Command) =>
      showSecret(command, 'app.add', { name, version }),
    )

  app
    .command('list')
    .description('list the apps')
    .action(async (_options, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const apps = await context.operate<App[]>('app.list')
      const rows = apps.flatMap(({ client_id, versions }) =>
        versions.map(({ version, createdAt }) => [client_id, version, when(createdAt)]),
      )
      print(context.json, apps, () => columns(['CLIENT ID', 'VERSION', 'SINCE'], rows, 'no apps'))
    })

  app
    .command('rotate-secret <name>')
    .description('give an app a new secret; the old one ends at once')
    .option('--version <version>', 'which version, where there are several')
    .action((name: string, { version }: { version?: string }, command: Command) =>
      showSecret(command, 'app.rotateSecret', named(name, version)),
    )

  app
    .command('remove <name>')
    .description('de-register an app, or one version of it; its credentials end at once')
    .option('--version <version>', 'only this version')
    .action(async (name: string, { version }: { version?: string }, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const result = await context.operate('app.remove', named(name, version))
      print(context.json, result ?? {}, `app ${name}${version ? ` ${version}` : ''} removed`)
    })
}

const named = (name: string, version: string | undefined) => ({
  name,
  ...(version === undefined ? {} : { version }),
})

async function showSecret(command: Command, operation: string, params: object): Promise<void> {
  const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
  const secret = await context.operate<Secret>(operation, params)
  const { client_id, client_secret } = secret
  print(
    context.json,
    { client_id, client_secret },
    `client id      ${client_id}\nclient secret  ${client_secret}  (shown once)`,
  )
}
