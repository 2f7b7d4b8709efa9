import { randomUUID } from 'node:crypto'
import type { Command } from 'commander'
import { Invalid } from '../../core/errors.ts'
import { type CommonOptions, createContext } from '../context.ts'
import { columns, print } from '../output.ts'
import type { GuardedApp } from '../proxy-check/cases.ts'
import { checkProxy, type Finding } from '../proxy-check/check.ts'

const collect = (value: string, before: string[]) => [...before, value]

export function proxyCommands(program: Command): void {
  program
    .command('proxy-config <proxy>')
    .description('print the configuration of nginx, caddy or traefik for the apps that the guard knows')
    .option('--app <name>', 'only this app, may be repeated', collect, [])
    .action(async (proxy: string, { app }: { app: string[] }, command: Command) => {
      const context = createContext('gateway', command.optsWithGlobals<CommonOptions>())
      const params = { proxy, ...(app.length > 0 ? { apps: app } : {}) }
      const result = await context.operate<{ proxy: string; text: string }>('proxy.config', params)
      print(context.json, result, result.text.trimEnd())
    })

  program
    .command('proxy-check <url>')
    .description(
      'try at a running proxy the known ways past it; nobody is signed in, so none may lead to an app',
    )
    .option('--path <path>', 'path of an app instead of those the guard knows, may be repeated', collect, [])
    .action(async (url: string, { path }: { path: string[] }, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions>()
      const base = baseUrl(url)
      const apps = path.length > 0 ? path.map(given) : await knownApps(options)
      const findings = await checkProxy(base, apps, `edgeward-check-${randomUUID()}`)
      const open = findings.filter(({ verdict }) => verdict !== 'closed')
      print(options.json ?? false, summary(base, findings), () => told(findings, open))
      if (open.length > 0) process.exitCode = 1
    })
}

function baseUrl(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed?.protocol !== 'https:' && parsed?.protocol !== 'http:')
    throw new Invalid(`"${url}" is no http or https address`, { cure: 'For example https://127.0.0.1.' })
  return new URL(parsed.origin)
}

const given = (path: string): GuardedApp => {
  if (!/^\/(?:.*\/)?$/.test(path)) throw new Invalid(`the path "${path}" does not begin and end with "/"`)
  return { path, public: [] }
}

async function knownApps(options: CommonOptions): Promise<GuardedApp[]> {
  const apps = await createContext('gateway', options).operate<GuardedApp[]>('guard.list')
  if (apps.length === 0)
    throw new Invalid('the guard knows no app', {
      cure: 'Tell it of one by "edgeward app set", or give --path.',
    })
  return apps
}

const summary = (base: URL, findings: readonly Finding[]) => ({
  url: base.origin,
  cases: findings.length,
  bypasses: findings.filter(({ verdict }) => verdict === 'bypass').length,
  unclear: findings.filter(({ verdict }) => verdict === 'unclear').length,
  findings,
})

function told(findings: readonly Finding[], open: readonly Finding[]): string {
  if (open.length === 0) return `${findings.length} ways tried, all closed`
  const rows = open.map(({ verdict, app, name, answer }) => [verdict, app, name, answer])
  return `${columns(['', 'APP', 'CASE', 'ANSWER'], rows, '')}\n${open.length} of ${findings.length} ways are not closed`
}
