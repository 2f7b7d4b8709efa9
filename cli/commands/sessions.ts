import type { Command } from 'commander'
import { type CommonOptions, createContext } from '../context.ts'
import { columns, print, when } from '../output.ts'
import { change } from './change.ts'

interface Session {
  id: string
  user: string
  createdAt: number
  expiresAt: number
  address?: string
}

export function sessionCommands(program: Command): void {
  const session = program.command('session').description('sessions of the users')
  session
    .command('list')
    .description('list the live sessions')
    .option('--user <name>', 'of one user')
    .action(async ({ user }: { user?: string }, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const sessions = await context.operate<Session[]>('session.list', user === undefined ? {} : { user })
      const rows = sessions.map(({ id, user, createdAt, expiresAt, address }) => [
        id,
        user,
        when(createdAt),
        when(expiresAt),
        address,
      ])
      print(context.json, sessions, () =>
        columns(['ID', 'USER', 'SINCE', 'UNTIL', 'ADDRESS'], rows, 'no sessions'),
      )
    })

  session
    .command('end [id]')
    .description('end one session, those of a user, or all')
    .option('--user <name>', 'all sessions of a user')
    .option('--all', 'all sessions of the box')
    .action(async (id: string | undefined, options: { user?: string; all?: boolean }, command: Command) => {
      const chosen = [
        id !== undefined && { id },
        options.user !== undefined && { user: options.user },
        options.all && { all: true },
      ]
      const params = chosen.filter((choice) => choice !== false && choice !== undefined)
      if (params.length !== 1) command.error('name one: a session id, --user NAME or --all')
      await change(command, 'session.end', params[0] as object, 'ended')
    })
}
