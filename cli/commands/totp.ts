import type { Command } from 'commander'
import { type CommonOptions, createContext } from '../context.ts'
import { columns, fields, print, when } from '../output.ts'
import { change } from './change.ts'

interface Factor {
  user: string
  createdAt: number
  recoveryCodesLeft: number
}

interface BreakGlass {
  name: string
  code: string
  expiresAt: number
}

/** Second factors, how one signs in, and the way in when nothing else works. */
export function totpCommands(program: Command): void {
  const totp = program
    .command('totp')
    .description('second factors of the users; switched on with: option set two-factor strategy totp')

  totp
    .command('list')
    .description('list who has set up a second factor')
    .action(async (_options, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const factors = await context.operate<Factor[]>('totp.list')
      const rows = factors.map(({ user, createdAt, recoveryCodesLeft }) => [
        ...[user, when(createdAt), recoveryCodesLeft],
      ])
      print(context.json, factors, () =>
        columns(['USER', 'SINCE', 'RECOVERY CODES LEFT'], rows, 'nobody has a second factor'),
      )
    })

  totp
    .command('revoke <user>')
    .description('take away the second factor of who has lost it; sessions end')
    .action((name: string, _options, command: Command) =>
      change(command, 'totp.revoke', { name }, `second factor of ${name} revoked, sessions ended`),
    )

  program
    .command('break-glass <user>')
    .description('print a code that lets an Admin in once, within 15 minutes, whatever else is asked for')
    .action(async (name: string, _options, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const made = await context.operate<BreakGlass>('breakGlass.make', { name })
      print(context.json, made, () =>
        [
          `code (shown once): ${made.code}`,
          `It takes the place of the password on the login page (with ?local=1), once, until ${when(made.expiresAt)}.`,
          'It is in the audit, and an alarm stands until it is over.',
        ].join('\n'),
      )
    })

  program
    .command('login-settings')
    .description('show how one signs in; changed with: option set')
    .action(async (_options, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const settings = await context.operate<Record<string, string>>('login.settings')
      print(context.json, settings, () =>
        fields(Object.entries(settings).map(([name, value]) => [name, value || 'none'])),
      )
    })
}
