import type { Command } from 'commander'
import { Invalid } from '../../core/errors.ts'
import { type CommonOptions, createContext } from '../context.ts'
import { columns, print, when } from '../output.ts'

interface Entry {
  id: number
  type: string
  user?: string
  clientId?: string
  address?: string
  reason?: string
  deviceTime: number
  serverTime?: number
}

interface Options {
  user?: string
  type?: string
  since?: string
  until?: string
  limit: string
}

export function auditCommand(program: Command): void {
  program
    .command('audit')
    .description('security events of this box, newest first; with --json one JSON line each')
    .option('--user <name>', 'of one user')
    .option('--type <type>', 'of one type, e.g. login_failed')
    .option('--since <time>', 'only from this time on, by the clock of the box (ISO 8601)')
    .option('--until <time>', 'only before this time (ISO 8601)')
    .option('--limit <count>', 'so many at most', '100')
    .action(async ({ user, type, since, until, limit }: Options, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      if (!/^[1-9]\d{0,6}$/.test(limit))
        throw new Invalid(`--limit ${limit} is not a number from 1 to 9999999`)
      const query = { user, type, since: timeOf('--since', since), until: timeOf('--until', until) }
      let left = Number(limit)
      const shown: Entry[] = []
      for (let before: number | undefined; left > 0; ) {
        const asked = { ...query, before, limit: Math.min(left, 100) }
        const page = await context.operate<{ entries: Entry[]; next?: number }>('audit.list', asked)
        if (context.json) for (const entry of page.entries) print(true, entry, '')
        else shown.push(...page.entries)
        left -= page.entries.length
        before = page.next
        if (before === undefined) break
      }
      if (!context.json) print(false, shown, () => table(shown))
    })
}

function table(entries: readonly Entry[]): string {
  const rows = entries.map(({ deviceTime, type, user, clientId, address, reason }) => [
    ...[when(deviceTime), type, user ?? clientId, address, reason],
  ])
  return columns(['TIME', 'EVENT', 'USER OR APP', 'ADDRESS', 'REASON'], rows, 'no entries')
}

function timeOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const time = Date.parse(text)
  if (Number.isNaN(time))
    throw new Invalid(`${option} ${text} is not a time`, { cure: 'For example 2026-11-21T08:00:00Z.' })
  return time
}
