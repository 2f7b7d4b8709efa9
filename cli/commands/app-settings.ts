import type { Command } from 'commander'
import { Invalid } from '../../core/errors.ts'
import { parseJson } from '../../core/schema.ts'
import { type CommonOptions, createContext } from '../context.ts'
import { columns, fields, print, when } from '../output.ts'

interface Failure {
  at: number
  message: string
}

interface App {
  client_id: string
  access: string
  scopes: string[]
  enabled: boolean
  properties: object
  topics: { publish: string[]; subscribe: string[] }
  quota: { messages: number | null; bytes: number | null }
  unit: string | null
  owner: string | null
  revision: number
  versions: { version: string }[]
  health: {
    broker: {
      connections: number
      connectedSince: number | null
      lastMessageAt: number | null
      published: number
      denied: number
      overQuota: number
      errors: Failure[]
    } | null
    guard: { passed: number; denied: number; lastPassedAt: number | null; errors: Failure[] }
  }
}

interface SettingOptions {
  access?: string
  scope?: string[]
  publish?: string[]
  subscribe?: string[]
  maxMessages?: string
  maxBytes?: string
  properties?: string
  unit?: string
  ifRevision?: string
}

/** What an app may, and how it does. */
export function settingCommands(app: Command): void {
  app
    .command('show <name>')
    .description('an app, and how it does as broker and guard see it')
    .action(async (name: string, _options: object, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const shown = await context.operate<App>('app.show', { name })
      print(context.json, shown, () => [fields(settings(shown)), fields(health(shown))].join('\n'))
    })

  app
    .command('edit <name>')
    .description('what an app may on this box and with its tokens; what is not given stays')
    .option('--access <profile>', 'read_write, limited (no time series written) or custom')
    .option('--scope <scopes...>', 'with access custom: assets:read, timeseries:write …')
    .option('--publish <filters...>', 'topics beyond its own that it may publish to; "none" for none')
    .option('--subscribe <filters...>', 'and that it may subscribe to')
    .option('--max-messages <number>', 'messages it may publish in a second; "none" for no limit')
    .option('--max-bytes <number>', 'bytes it may publish in a second; "none" for no limit')
    .option('--properties <json>', 'properties, in full')
    .option('--unit <service>', 'its systemd unit, whose log is shown; "none" for none')
    .option('--if-revision <number>', 'only while this is its revision')
    .action(async (name: string, options: SettingOptions, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const changed = await context.operate<App>('app.change', { name, ...asked(options) })
      print(context.json, changed, `app ${name} changed`)
    })

  for (const [verb, enabled, done] of [
    ['enable', true, 'works again'],
    ['disable', false, 'is shut out: credentials, tokens, connections, guard'],
  ] as const)
    app
      .command(`${verb} <name>`)
      .description(enabled ? 'let an app in again' : 'shut an app out at once; nothing of it is removed')
      .action(async (name: string, _options: object, command: Command) => {
        const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
        const changed = await context.operate('app.change', { name, enabled })
        print(context.json, changed, `app ${name} ${done}`)
      })

  app
    .command('log <name>')
    .description('the last lines of the systemd unit of an app')
    .action(async (name: string, _options: object, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const log = await context.operate<{ unit: string | null; lines: (Failure & { priority: number })[] }>(
        'app.log',
        { name },
      )
      const rows = log.lines.map(({ at, message }) => [when(at), message])
      const none = log.unit === null ? 'no unit: edgeward app edit NAME --unit NAME.service' : 'no lines'
      print(context.json, log, () => columns(['TIME', 'MESSAGE'], rows, none))
    })
}

const settings = ({ client_id, owner, access, scopes, topics, quota, ...app }: App) =>
  [
    ['client id', client_id],
    ['versions', app.versions.map(({ version }) => version).join(', ')],
    ['enabled', app.enabled ? 'yes' : 'no'],
    ['owner', owner ?? undefined],
    ['access', access === 'custom' ? `custom: ${scopes.join(' ')}` : access],
    ['may publish', topics.publish.join(' ') || undefined],
    ['may subscribe', topics.subscribe.join(' ') || undefined],
    ['messages/s', quota.messages ?? undefined],
    ['bytes/s', quota.bytes ?? undefined],
    ['unit', app.unit ?? undefined],
    ['properties', Object.keys(app.properties).length > 0 ? JSON.stringify(app.properties) : undefined],
  ] as const

function health({ health: { broker, guard } }: App) {
  const failures = [...(broker?.errors ?? []), ...guard.errors].sort((a, b) => a.at - b.at)
  return [
    ['connected', broker?.connections ? `since ${when(broker.connectedSince ?? undefined)}` : 'no'],
    ['last message', when(broker?.lastMessageAt ?? undefined)],
    ['published', broker ? `${broker.published}, denied ${broker.denied}` : undefined],
    ['over quota', broker?.overQuota || undefined],
    ['guard', `${guard.passed} passed, ${guard.denied} denied`],
    ...failures.map(({ at, message }) => ['error', `${when(at)} ${message}`] as const),
  ] as const
}

function asked(options: SettingOptions): object {
  const { access, scope, publish, subscribe, maxMessages, maxBytes, properties, unit, ifRevision } = options
  const topics = { ...listOf('publish', publish), ...listOf('subscribe', subscribe) }
  const quota = { ...limitOf('messages', maxMessages), ...limitOf('bytes', maxBytes) }
  return {
    ...(access && { access }),
    ...(scope && { scopes: scope }),
    ...(Object.keys(topics).length > 0 && { topics }),
    ...(Object.keys(quota).length > 0 && { quota }),
    ...(properties && { properties: parseJson(properties, '--properties') }),
    ...(unit && { unit: unit === 'none' ? null : unit }),
    ...(ifRevision && { ifRevision: numberOf(ifRevision) }),
  }
}

const listOf = (key: string, filters: string[] | undefined) =>
  filters ? { [key]: filters.filter((filter) => filter !== 'none') } : {}
const limitOf = (key: string, limit: string | undefined) =>
  limit === undefined ? {} : { [key]: limit === 'none' ? null : numberOf(limit) }

function numberOf(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new Invalid(`${text} is no whole number`)
  return Number(text)
}
