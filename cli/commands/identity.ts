import type { Command } from 'commander'
import { type CommonOptions, createContext } from '../context.ts'
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
}

interface Rotated {
  before: string
  after: string
  credentialExpiresAt?: number
}

export function identityCommands(program: Command): void {
  program
    .command('onboard')
    .description('take a boarding configuration: onboard this box at its hub')
    .argument('[file]', 'boarding configuration; - reads standard input', '-')
    .action(async (file: string, _options, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const result = await context.operate<Onboarded>('identity.onboard', {
        boarding: await readDocument(file),
      })
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

const describeOnboarded = ({
  kept,
  reason,
  agentId,
  tenant,
  profile,
  hub,
  credentialExpiresAt,
}: Onboarded): string =>
  [
    kept ? `already onboarded; nothing was registered anew${reason ? ` (${reason})` : ''}` : 'onboarded',
    fields([
      ['agent', agentId],
      ['tenant', tenant],
      ['profile', profile],
      ['hub', hub],
      ['expires', when(credentialExpiresAt)],
    ]),
  ].join('\n')
