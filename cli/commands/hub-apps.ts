import type { Command } from 'commander'
import { type CommonOptions, createContext } from '../context.ts'
import { columns, fields, print } from '../output.ts'

interface AppCredential {
  app: string
  version: string
  host: string
  client_id: string
  client_secret: string
  url?: string
  old_secret_ends?: string
}

interface ListedVersion extends Omit<AppCredential, 'client_secret'> {
  access: string
  permissions: string[]
  tenants: { tenant: string; consented: string[] | null }[]
}

interface Access {
  access: string
  permission: string[]
}

export function hubAppCommands(hub: Command): void {
  const app = hub.command('app').description('apps that work on the data of tenants by technical tokens')
  withAccess(
    app
      .command('add <name>')
      .description('register a version of an app; its client id and secret are printed once')
      .requiredOption('--version <version>', 'version of the app')
      .option(...hostOption),
  ).action(async (name: string, options: Access & { version: string; host?: string }, command: Command) =>
    showCredential(command, 'app.add', { name, ...withPermissions(options) }),
  )
  app
    .command('list')
    .description('list the apps, what they may do, and the tenants that let them')
    .action(async (_options, command: Command) => listApps(command))
  app
    .command('rotate-secret <name>')
    .description('give a version of an app a new secret; the old one stays good for hub.app_secret_overlap')
    .option(...versionOption)
    .option(...hostOption)
    .option('--at-once', 'end the old secret and its tokens now')
    .action((name: string, options: object, command: Command) =>
      showCredential(command, 'app.rotateSecret', { name, ...options }),
    )
  withAccess(
    app
      .command('access <name>')
      .description('change what a version of an app may do; what is taken away ends at once')
      .option(...versionOption)
      .option(...hostOption),
  ).action(async (name: string, options: Access, command: Command) =>
    change(command, 'app.setAccess', { name, ...withPermissions(options) }, `access of ${name} changed`),
  )
  app
    .command('remove <name>')
    .description('de-register an app, or one version of it; its secrets and tokens end at once')
    .option('--version <version>', 'only this version')
    .option(...hostOption)
    .action((name: string, options: object, command: Command) =>
      change(command, 'app.remove', { name, ...options }, `app ${name} removed`),
    )
  subscriptionCommands(app)
}

function subscriptionCommands(app: Command): void {
  for (const [verb, operation, does, done] of [
    [
      'subscribe',
      'app.subscribe',
      'let a tenant use an app; its data stay closed until it consents',
      'subscribed',
    ],
    ['unsubscribe', 'app.unsubscribe', 'end the use of an app, with the tokens it has', 'unsubscribed'],
    ['consent', 'app.consent', 'let an app do in a tenant what its versions ask for now', 'consented'],
    [
      'revoke-consent',
      'app.revokeConsent',
      'end the consent, and the tokens that rest on it',
      'consent revoked',
    ],
  ] as const)
    app
      .command(`${verb} <name>`)
      .description(does)
      .requiredOption('--tenant <tenant>', 'tenant that uses the app')
      .option(...hostOption)
      .action((name: string, options: { tenant: string }, command: Command) =>
        change(command, operation, { name, ...options }, `tenant ${options.tenant}, app ${name}: ${done}`),
      )
}

const hostOption = ['--host <tenant>', 'tenant that owns the app, where that is in doubt'] as const
const versionOption = ['--version <version>', 'which version, where there are several'] as const

const withAccess = (command: Command): Command =>
  command
    .option('--access <profile>', 'what it asks for: read-write, limited or custom', 'read-write')
    .option(
      '--permission <permission>',
      'one of a custom access, e.g. assets:read; may be repeated',
      collect,
      [],
    )

const collect = (one: string, others: string[]): string[] => [...others, one]

const withPermissions = ({ permission, ...rest }: Access) => ({
  ...rest,
  ...(permission.length === 0 ? {} : { permissions: permission }),
})

const contextOf = (command: Command) => createContext('hub', command.optsWithGlobals<CommonOptions>())

async function showCredential(command: Command, operation: string, params: object): Promise<void> {
  const context = contextOf(command)
  const credential = await context.operate<AppCredential>(operation, params)
  print(context.json, credential, () =>
    fields([
      ['app', `${credential.app} ${credential.version}`],
      ['host tenant', credential.host],
      ['client id', credential.client_id],
      ['client secret', `${credential.client_secret}  (shown once)`],
      ['old secret ends', credential.old_secret_ends],
      ['url', credential.url],
    ]),
  )
}

async function change(command: Command, operation: string, params: object, said: string): Promise<void> {
  const context = contextOf(command)
  print(context.json, await context.operate<object>(operation, params), said)
}

async function listApps(command: Command): Promise<void> {
  const context = contextOf(command)
  const versions = await context.operate<ListedVersion[]>('app.list')
  const rows = versions.map(({ app, version, host, client_id, access, permissions, tenants }) => [
    ...[app, version, host, client_id],
    access === 'custom' ? permissions.join(' ') || 'none' : access,
    tenants.map(({ tenant, consented }) => `${tenant}${consented ? '' : ' (no consent)'}`).join(', '),
  ])
  const titles = ['APP', 'VERSION', 'HOST', 'CLIENT ID', 'ACCESS', 'TENANTS']
  print(context.json, versions, () => columns(titles, rows, 'no apps'))
}
