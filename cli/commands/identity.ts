import type { Command } from 'commander'
import { Invalid } from '../../core/errors.ts'
import { type CommonOptions, type Context, createContext } from '../context.ts'
import { readDocument } from '../input.ts'
import { fields, print, when } from '../output.ts'

interface Onboarded {
  state: string
  tenant: string
  agentId: string
  profile: string
  hub: string
  kept: boolean
  reason?: string
  credentialExpiresAt?: number
  archived?: { directory: string; readings: number }
}

interface Rotated {
  before: string
  after: string
  credentialExpiresAt?: number
}

interface OnboardOptions {
  replace?: boolean
  confirm?: boolean
}

export function identityCommands(program: Command): void {
  program
    .command('onboard')
    .description('take a boarding configuration: onboard this box at its hub')
    .argument('[file]', 'boarding configuration; - or nothing reads standard input')
    .option('--replace', 'also when the box is another agent: its identity and unsent data are set aside')
    .option('--confirm', 'take the boarding file on a stick that "edgeward status" shows as offered')
    .action(async (file: string | undefined, options: OnboardOptions, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const result = await (options.confirm
        ? confirm(context, file, options)
        : onboard(context, file, options))
      print(context.json, result, () => describeOnboarded(result))
    })

  program
    .command('rotate')
    .description('rotate the credentials at the hub now')
    .action(async (_options, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const result = await context.operate<Rotated>('identity.rotate')
      print(context.json, result, () =>
        fields([
          ['before', result.before],
          ['after', result.after],
          ['expires', when(result.credentialExpiresAt)],
        ]),
      )
    })

  program
    .command('token')
    .description('print an access token of the hub, for scripts')
    .action(async (_options, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const token = await context.operate<{ access_token: string; expires_in: number }>('identity.token')
      print(context.json, token, token.access_token)
    })
}

async function onboard(
  context: Context,
  file = '-',
  { replace = false }: OnboardOptions,
): Promise<Onboarded> {
  const boarding = await readDocument(file)
  if (process.stderr.isTTY && !context.json) process.stderr.write(`${describeStart(boarding)}\n`)
  return context.operate('identity.onboard', { boarding, replace })
}

async function confirm(
  context: Context,
  file: string | undefined,
  { replace }: OnboardOptions,
): Promise<Onboarded> {
  if (file !== undefined || replace)
    throw new Invalid('--confirm takes the file that is offered, and goes with neither FILE nor --replace')
  return context.operate('identity.confirm')
}

/** Said before the box does anything, of a file that nobody has checked yet. */
function describeStart(boarding: unknown): string {
  const { clientId, tenant, baseUrl } =
    (boarding as { content?: Record<string, unknown> } | null)?.content ?? {}
  return [
    `The file is for agent ${clientId} of tenant ${tenant}.`,
    `Asking ${baseUrl} to take this box in: checking the file, making the credential, registering it,`,
    'and fetching the first access token with it ...',
  ].join('\n')
}

const describeOnboarded = ({
  kept,
  reason,
  agentId,
  tenant,
  profile,
  hub,
  credentialExpiresAt,
  archived,
}: Onboarded): string =>
  [
    kept
      ? `already onboarded; nothing was registered anew${reason ? ` (${reason})` : ''}`
      : `onboarded${reason ? `: ${reason}` : ''}`,
    fields([
      ['agent', agentId],
      ['tenant', tenant],
      ['profile', profile],
      ['hub', hub],
      ['expires', when(credentialExpiresAt)],
      ['set aside', archived && `${archived.readings} readings, in ${archived.directory}`],
    ]),
  ].join('\n')
