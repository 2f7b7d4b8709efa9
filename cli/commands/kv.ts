import type { Command } from 'commander'
import { type CommonOptions, createContext } from '../context.ts'
import { columns, fields, print, when } from '../output.ts'

interface Token {
  app: string
  relatedId: string
  key: string
  size: number
  createdAt: number
  updatedAt: number
  damaged?: true
}

interface Page {
  resources: Token[]
  totalResults: number
  startIndex: number
}

interface Quota {
  quota: number
  maxValue: number
  apps: { app: string; tokens: number; used: number }[]
  fault?: { code: string; message: string; cure?: string }
}

/** What apps keep for themselves: an administrator looks and removes, only the app writes. */
export function kvCommands(program: Command): void {
  const kv = program.command('kv').description('private tokens: what the apps keep for themselves')
  const operate = <T>(command: Command, operation: string, params: object) => {
    const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
    return context.operate<T>(operation, params).then((result) => ({ json: context.json, result }))
  }

  kv.command('list [app]')
    .description('list tokens without their values')
    .option('--related <relatedId>', 'only those of this relatedId')
    .option('--filter <filter>', 'for example: key sw "product-" and updated gt "2026-11-22T00:00:00Z"')
    .option('--start <index>', 'how many to pass over')
    .option('--count <count>', 'how many at most, up to 500')
    .action(async (app: string | undefined, options: ListOptions, command: Command) => {
      const { json, result } = await operate<Page>(command, 'kv.list', listParams(app, options))
      print(json, result, () => page(result))
    })

  kv.command('show <app> <relatedId> <key>')
    .description('print a value; the audit will say so')
    .action(async (app: string, relatedId: string, key: string, _options: object, command: Command) => {
      const shown = await operate<Token & { value: string }>(command, 'kv.show', { app, relatedId, key })
      print(shown.json, shown.result, shown.result.value)
    })

  kv.command('remove <app> [relatedId] [key]')
    .description('remove a token, those of a relatedId, or with --all everything that the app keeps')
    .option('--all', 'everything that the app keeps')
    .action(async (app: string, relatedId: string | undefined, key: string | undefined, ...rest) => {
      const [{ all }, command] = rest as [{ all?: true }, Command]
      const params = { app, relatedId, key, all }
      const { json, result } = await operate<{ removed: number }>(command, 'kv.remove', params)
      print(json, result, `${result.removed} removed`)
    })

  kv.command('quota')
    .description('how much each app keeps, and may keep')
    .action(async (_options: object, command: Command) => {
      const { json, result } = await operate<Quota>(command, 'kv.quota', {})
      print(json, result, () => quota(result))
    })
}

interface ListOptions {
  related?: string
  filter?: string
  start?: string
  count?: string
}

const listParams = (app: string | undefined, { related, filter, start, count }: ListOptions) => ({
  ...{ app, relatedId: related, filter },
  ...(start === undefined ? {} : { startIndex: Number(start) }),
  ...(count === undefined ? {} : { count: Number(count) }),
})

function page({ resources, totalResults, startIndex }: Page): string {
  const rows = resources.map(({ app, relatedId, key, size, updatedAt, damaged }) => [
    ...[app, printable(relatedId), printable(key), size, when(updatedAt), damaged ? 'damaged' : ''],
  ])
  const table = columns(['APP', 'RELATED ID', 'KEY', 'BYTES', 'UPDATED', ''], rows, 'no tokens')
  const end = startIndex + resources.length
  return end < totalResults ? `${table}\n${end} of ${totalResults}; go on with --start ${end}` : table
}

/** Names are of any characters; on a terminal some would do things. */
const printable = (text: string): string =>
  /^[\p{L}\p{N}\p{P}\p{S} ]+$/u.test(text) ? text : JSON.stringify(text)

function quota({ quota: most, maxValue, apps, fault }: Quota): string {
  const rows = apps.map(({ app, tokens, used }) => [
    ...[app, tokens, used, most === 0 ? '-' : `${((100 * used) / most).toFixed(1)} %`],
  ])
  return [
    fields([
      ['quota of an app', `${most} bytes`],
      ['largest value', `${maxValue} bytes`],
      ['fault', fault?.message],
      ['cure', fault?.cure],
    ]),
    columns(['APP', 'TOKENS', 'BYTES', 'OF QUOTA'], rows, 'no app keeps any'),
  ].join('\n\n')
}
