import type { Command } from 'commander'
import { Invalid } from '../../core/errors.ts'
import { type CommonOptions, createContext } from '../context.ts'
import { columns, fields, print } from '../output.ts'

interface Rule {
  path: string
  methods: string[]
  roles: string[]
}

interface Gate {
  client_id: string
  path: string
  upstream: string | null
  roles: string[]
  methods: string[]
  rules: Rule[]
  public: string[]
  withhold_token: boolean
}

interface Options {
  path?: string
  upstream?: string
  roles?: string
  methods?: string
  public?: string[]
  rule?: string[]
  withholdToken?: boolean
}

const collect = (value: string, before: string[] | undefined) => [...(before ?? []), value]

/** How the guard keeps an app. */
export function guardCommands(app: Command): void {
  app
    .command('set <name>')
    .description('say where the proxy serves an app, and who may enter; what is not given stays')
    .option('--path <path>', 'where the proxy serves it, e.g. /press/')
    .option('--upstream <url>', 'where it listens, e.g. http://127.0.0.1:3000')
    .option('--roles <roles>', 'one of these is needed, e.g. Operator,Admin; "" for whoever is signed in')
    .option('--methods <methods>', 'only these, e.g. GET,POST; "" for any')
    .option('--public <path>', 'open to everybody, may be repeated; "" for none', collect)
    .option(
      '--rule <rule>',
      'path, methods and roles of a part, e.g. "/press/settings/ * Admin", may be repeated; "" for none',
      collect,
    )
    .option('--withhold-token', 'the app does not see the access token')
    .option('--no-withhold-token', 'the app sees the access token')
    .action(async (name: string, options: Options, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const gate = await context.operate<Gate>('app.set', { name, ...asked(options, command) })
      print(context.json, gate, () => described(gate))
    })

  app
    .command('unset <name>')
    .description('forget where an app is served; its path falls under auth.guard_default')
    .action(async (name: string, _options, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const result = await context.operate('app.unset', { name })
      print(context.json, result ?? {}, `the guard has forgotten ${name}`)
    })

  app
    .command('guard')
    .description('list the apps that the guard knows')
    .action(async (_options, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const gates = await context.operate<Gate[]>('guard.list')
      const rows = gates.map(({ client_id, path, upstream, roles, methods }) => [
        ...[client_id, path, upstream, roles.join(',') || 'signed in', methods.join(',') || 'any'],
      ])
      print(context.json, gates, () =>
        columns(['APP', 'PATH', 'UPSTREAM', 'ROLES', 'METHODS'], rows, 'no apps'),
      )
    })
}

function asked(options: Options, command: Command): object {
  const { path, upstream, roles, methods, public: open, rule } = options
  const withhold = command.getOptionValueSource('withholdToken') === 'cli' ? options.withholdToken : undefined
  const params = {
    ...{ path, upstream, withhold_token: withhold },
    roles: roles === undefined ? undefined : list(roles),
    methods: methods === undefined ? undefined : list(methods.toUpperCase()),
    public: open?.filter((text) => text !== ''),
    rules: rule?.filter((text) => text !== '').map(parseRule),
  }
  return Object.fromEntries(Object.entries(params).filter(([, value]) => value !== undefined))
}

function parseRule(text: string): Rule {
  const [path, methods, roles, ...more] = text.trim().split(/\s+/)
  if (path === undefined || methods === undefined || roles === undefined || more.length > 0)
    throw new Invalid(`the rule "${text}" is not a path, methods and roles`, {
      cure: 'For example "/press/settings/ GET,POST Admin", with * for any method or role.',
    })
  return { path, methods: list(methods.toUpperCase()), roles: list(roles) }
}

const ruleText = ({ path, methods, roles }: Rule): string =>
  `${path} ${methods.join(',') || '*'} ${roles.join(',') || '*'}`

const list = (text: string): string[] =>
  text === '*'
    ? []
    : text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '')

const described = (gate: Gate): string =>
  fields([
    ['app', gate.client_id],
    ['path', gate.path],
    ['upstream', gate.upstream ?? undefined],
    ['roles', gate.roles.join(', ') || 'whoever is signed in'],
    ['methods', gate.methods.join(', ') || 'any'],
    ...gate.rules.map((rule) => ['rule', ruleText(rule)] as const),
    ...gate.public.map((path) => ['public', path] as const),
    ['access token', gate.withhold_token ? 'withheld' : 'passed on'],
  ])
