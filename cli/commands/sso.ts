import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { Invalid } from '../../core/errors.ts'
import { type CommonOptions, createContext } from '../context.ts'
import { readDocument, readPassword } from '../input.ts'
import { columns, print, when } from '../output.ts'

interface Provider {
  name: string
  issuer: string
  clientId: string
  template: string
  visible: boolean
  updatedAt: number
  revision: number
}
interface Link {
  issuer: string
  subject: string
  user: string
  createdAt?: number
}

interface PutOptions {
  template?: string
  tenant?: string
  azureVersion?: string
  keycloakUrl?: string
  realm?: string
  issuer?: string
  clientId?: string
  redirectUri?: string
  settings?: string
  ca?: string
  secretStdin?: boolean
  ifRevision?: string
}

/** Identity providers of single sign-on, and who is whom there. */
export function ssoCommands(program: Command): void {
  const sso = program.command('sso').description('single sign-on: identity providers, and who is whom there')
  putCommand(sso)
  showCommands(sso)
  linkCommands(sso)
}

function putCommand(sso: Command): void {
  sso
    .command('put <name>')
    .description('add an identity provider, or replace its settings')
    .option('--template <kind>', 'custom, azure-ad or keycloak')
    .option('--tenant <id>', 'directory of Azure AD')
    .option('--azure-version <n>', 'version of its tokens: 1 or 2 (default: 2)')
    .option('--keycloak-url <url>', 'address of Keycloak')
    .option('--realm <realm>', 'realm of Keycloak')
    .option('--issuer <url>', 'issuer, exactly as it stands in the tokens')
    .option('--client-id <id>', 'client id of this box at the provider')
    .option('--redirect-uri <url>', 'where the provider sends people back to, if not where they came from')
    .option('--ca <file>', 'PEM of the authority of the provider')
    .option('--settings <file>', 'JSON with these and all other settings, such as mapping; - for stdin')
    .option('--secret-stdin', 'read the client secret, or the private key, from standard input')
    .option('--if-revision <n>', 'only when it is still this revision')
    .action(async (name: string, options: PutOptions, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      if (options.settings === '-' && options.secretStdin)
        throw new Invalid('standard input can hold the settings or the secret, not both')
      const provider = await context.operate<Provider>('sso.put', { name, ...(await wanted(options)) })
      print(
        context.json,
        provider,
        `identity provider ${name} (${provider.issuer}), revision ${provider.revision}`,
      )
    })
}

async function wanted(options: PutOptions): Promise<object> {
  const { settings, template, issuer, clientId, redirectUri, ca, secretStdin, ifRevision } = options
  const document = settings === undefined ? {} : ((await readDocument(settings)) as object)
  const given = {
    ...{ issuer, clientId, redirectUri },
    template: template === undefined ? undefined : templateOf(template, options),
    ca: ca === undefined ? undefined : await readFile(ca, 'utf8'),
    secret: secretStdin ? (await readPassword()).trim() : undefined,
    ifRevision: ifRevision === undefined ? undefined : Number(ifRevision),
  }
  const said = Object.entries(given).filter(([, value]) => value !== undefined)
  return { ...document, ...Object.fromEntries(said) }
}

function templateOf(kind: string, { tenant, azureVersion, keycloakUrl, realm }: PutOptions): object {
  if (kind === 'azure-ad')
    return { kind, tenant, ...(azureVersion === undefined ? {} : { version: azureVersion }) }
  if (kind === 'keycloak') return { kind, url: keycloakUrl, realm }
  return { kind }
}

function showCommands(sso: Command): void {
  sso
    .command('list')
    .description('list the identity providers')
    .action(async (_options, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const providers = await context.operate<Provider[]>('sso.list')
      const rows = providers.map(({ name, issuer, clientId, template, visible, updatedAt }) => [
        ...[name, template, issuer, clientId],
        ...[visible ? 'shown' : 'hidden', when(updatedAt)],
      ])
      const headings = ['NAME', 'KIND', 'ISSUER', 'CLIENT', 'LOGIN PAGE', 'CHANGED']
      print(context.json, providers, () => columns(headings, rows, 'no identity providers'))
    })
  for (const [verb, description] of [
    ['show', 'show the settings of an identity provider, without its secret'],
    ['test', 'ask an identity provider for its metadata now'],
  ] as const)
    sso
      .command(`${verb} <name>`)
      .description(description)
      .action(async (name: string, _options, command: Command) => {
        const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
        const shown = await context.operate(verb === 'show' ? 'sso.get' : 'sso.test', { name })
        print(context.json, shown, () => JSON.stringify(shown, undefined, 2))
      })
  sso
    .command('remove <name>')
    .description('remove an identity provider; its users stay')
    .action((name: string, _options, command: Command) =>
      change(command, 'sso.remove', { name }, `identity provider ${name} removed`),
    )
}

function linkCommands(sso: Command): void {
  sso
    .command('links')
    .description('list which user is whom at an identity provider')
    .action(async (_options, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const links = await context.operate<Link[]>('sso.links')
      const rows = links.map(({ user, issuer, subject, createdAt }) => [
        user,
        issuer,
        subject,
        when(createdAt),
      ])
      print(context.json, links, () => columns(['USER', 'ISSUER', 'SUBJECT', 'SINCE'], rows, 'no links'))
    })
  sso
    .command('link <provider> <subject> <user>')
    .description('let who is this subject at the provider sign in as this user')
    .action((provider: string, subject: string, user: string, _options, command: Command) =>
      change(command, 'sso.link', { provider, subject, user }, `${subject} at ${provider} is ${user}`),
    )
  sso
    .command('unlink <issuer> <subject>')
    .description('take that away; ends the sessions of the user')
    .action((issuer: string, subject: string, _options, command: Command) =>
      change(command, 'sso.unlink', { issuer, subject }, `${subject} at ${issuer} is nobody now`),
    )
}

async function change(command: Command, operation: string, params: object, said: string): Promise<void> {
  const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
  const result = await context.operate(operation, params)
  print(context.json, result ?? {}, said)
}
