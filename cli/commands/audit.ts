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
  category?: string
  since?: string
  until?: string
  limit: string
}

interface Verification {
  isGood: boolean
  entries: number
  checkpoints: number
  head: { id: number; hash: string; key: string }
  fault?: { kind: string; id: number }
}

const faults: Readonly<Record<string, (id: number) => string>> = {
  changed: (id) => `entry ${id} was changed`,
  missing: (id) => `entries from ${id} on are missing`,
  reordered: (id) => `another entry stands where ${id} belongs`,
  forged_checkpoint: (id) => `the checkpoint of entry ${id} was not signed by this box`,
  missing_checkpoint: (id) => `the checkpoint of entry ${id} is missing`,
  other_chain: (id) => `entry ${id} is not the one that was seen before: the audit was written anew`,
}

export function auditCommand(program: Command): void {
  const audit = program
    .command('audit')
    .description('security events of this box, newest first; with --json one JSON line each')
    .option('--user <name>', 'of one user')
    .option('--type <type>', 'of one type, e.g. login_failed')
    .option('--category <category>', 'of one category, e.g. "User login"')
    .option('--since <time>', 'only from this time on, by the clock of the box (ISO 8601)')
    .option('--until <time>', 'only before this time (ISO 8601)')
    .option('--limit <count>', 'so many at most', '100')
    .action(async ({ user, type, category, since, until, limit }: Options, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      if (!/^[1-9]\d{0,6}$/.test(limit))
        throw new Invalid(`--limit ${limit} is not a number from 1 to 9999999`)
      const times = { since: timeOf('--since', since), until: timeOf('--until', until) }
      const query = { user, type, category, ...times }
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

  audit
    .command('add <text>')
    .description('add an entry of your own, of the type custom')
    .option('--user <name>', 'about this user')
    .action(async (text: string, _given: object, command: Command) => {
      const { user } = command.optsWithGlobals<{ user?: string }>()
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const entry = await context.operate<object>('audit.add', {
        text,
        ...(user === undefined ? {} : { user }),
      })
      print(context.json, entry, 'entry added')
    })

  audit
    .command('verify')
    .description('look whether all entries are as they were written; exit code 1 when they are not')
    .option(
      '--head <id:hash>',
      'a head that was seen before ("edgeward hub agent show"): is it in this audit?',
    )
    .action(async ({ head }: { head?: string }, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const found = await context.operate<Verification>('audit.verify', headOf(head))
      print(context.json, found, () => describeVerification(found))
      if (!found.isGood) process.exitCode = 1
    })
}

function headOf(text: string | undefined): object {
  if (text === undefined) return {}
  const [, id, hash] = /^(\d{1,15}):([0-9A-Fa-f]{64})$/.exec(text) ?? []
  if (id === undefined) throw new Invalid(`--head ${text} is not a number, a colon and 64 hexadecimal digits`)
  return { head: { id: Number(id), hash } }
}

function describeVerification({ entries, checkpoints, head, fault }: Verification): string {
  const looked = `${entries} entries and ${checkpoints} checkpoints are good`
  if (fault) return `${faults[fault.kind]?.(fault.id) ?? fault.kind}; before that, ${looked}`
  return `${looked}\nhead  ${head.id}:${head.hash}\nkey   ${head.key}`
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
