import type { Command } from 'commander'
import { type CommonOptions, createContext } from '../context.ts'
import { durationOf, readDocument } from '../input.ts'
import { columns, print, when } from '../output.ts'
import { guardCommands } from './app-guard.ts'
import { hubLinkCommands } from './app-hub-link.ts'
import { type HandOver, handOver, refuseImpossible } from './app-secret-file.ts'
import { settingCommands } from './app-settings.ts'

interface AddOptions extends HandOver {
  version: string
  jwks?: string
}

interface RotateOptions extends HandOver {
  version?: string
  jwks?: string
  overlap?: string
}

interface Secret {
  client_id: string
  /** None where the app has keys. */
  client_secret?: string
}

interface App {
  client_id: string
  grants: string[]
  access: string
  enabled: boolean
  versions: { version: string; createdAt?: number; credential: string }[]
}

export function appCommands(program: Command): void {
  const app = program.command('app').description('edge apps: OAuth clients that may also use the broker')
  app
    .command('add <name>')
    .description('register a version of an app; its secret is printed once')
    .requiredOption('--version <version>', 'version of the app')
    .option('--jwks <file>', 'its public keys (JWK or JWK set), instead of a secret; - for standard input')
    .option('--secret-file <path>', 'write the secret to this file (0600) instead of printing it')
    .option('--as-env', 'as EDGEWARD_CLIENT_ID=… and EDGEWARD_CLIENT_SECRET=…')
    .option('--systemd-unit <unit>', 'print the drop-in that hands the secret file to this unit')
    .action(async (name: string, { version, jwks, ...where }: AddOptions, command: Command) =>
      showSecret(command, 'app.add', { name, version, ...(await keysIn(jwks)) }, where),
    )

  guardCommands(app)
  settingCommands(app)
  hubLinkCommands(app)

  app
    .command('list')
    .description('list the apps')
    .action(async (_options, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const apps = await context.operate<App[]>('app.list')
      const rows = apps.flatMap(({ client_id, grants, access, enabled, versions }) =>
        versions.map(({ version, createdAt, credential }) => [
          ...[client_id, version, credential, when(createdAt)],
          ...[enabled ? access : 'disabled', grants.join(' ')],
        ]),
      )
      const titles = ['CLIENT ID', 'VERSION', 'BY', 'SINCE', 'ACCESS', 'GRANTS']
      print(context.json, apps, () => columns(titles, rows, 'no apps'))
    })

  app
    .command('rotate-secret <name>')
    .description('give an app a new secret; the old one ends at once, or after the overlap')
    .option('--version <version>', 'which version, where there are several')
    .option('--jwks <file>', 'new public keys instead of a secret; - for standard input')
    .option('--overlap <duration>', 'how long the old secret stays good, e.g. 1h; up to 30d')
    .option('--secret-file <path>', 'write the secret to this file (0600) instead of printing it')
    .option('--as-env', 'as EDGEWARD_CLIENT_ID=… and EDGEWARD_CLIENT_SECRET=…')
    .action(async (name: string, { version, jwks, overlap, ...where }: RotateOptions, command: Command) => {
      const keep = overlap === undefined ? {} : { overlapMs: durationOf(overlap, '--overlap') }
      const params = { ...named(name, version), ...(await keysIn(jwks)), ...keep }
      await showSecret(command, 'app.rotateSecret', params, where)
    })

  app
    .command('grant <name> [grants...]')
    .description('what the app may beyond the ordinary, in full; none to take all away: introspect:all')
    .action(async (name: string, grants: string[], _options: object, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      await context.operate('app.setGrants', { name, grants })
      print(context.json, { client_id: name, grants }, `app ${name}: ${grants.join(' ') || 'no grants'}`)
    })

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

const keysIn = async (file: string | undefined) =>
  file === undefined ? {} : { jwks: await readDocument(file) }

async function showSecret(
  command: Command,
  operation: string,
  params: object,
  where: HandOver,
): Promise<void> {
  refuseImpossible(where, 'jwks' in params)
  const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
  const secret = await context.operate<Secret>(operation, params)
  const { client_id, client_secret } = secret
  if (client_secret !== undefined && where.secretFile !== undefined) {
    await handOver(context.json, { client_id, client_secret }, where)
    return
  }
  print(
    context.json,
    { client_id, ...(client_secret === undefined ? {} : { client_secret }) },
    client_secret === undefined
      ? `client id      ${client_id}\nkeys           registered`
      : `client id      ${client_id}\nclient secret  ${client_secret}  (shown once)`,
  )
}
