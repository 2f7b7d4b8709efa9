import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { createBrowser } from '../browser.ts'
import { password } from '../edge-auth.ts'
import { type Gateway, startGateway, tempDir } from '../harness.ts'
import { type EchoApp, type RunningProxy, startCaddy, startEcho, startNginx } from '../proxies.ts'

/** The running daemon with an app `press`, behind a real nginx and a real Caddy. */
export interface Box extends AsyncDisposable {
  readonly gateway: Gateway
  readonly stateDir: string
  readonly echo: EchoApp
  readonly proxies: {
    readonly name: string
    readonly url: string
    browser(): ReturnType<typeof createBrowser>
  }[]
  /** Straight to the apps listener, as any local process can. */
  ask(path: string, question?: Question): Promise<Answered>
  /** To the admin listener. */
  askAdmin(path: string, question?: Question): Promise<Answered>
  /** As the reverse proxy. */
  askAsProxy(path: string, question?: Question): Promise<Answered>
  token(user: string): Promise<string>
  audit(type: string): Promise<AuditLine[]>
}

interface Question {
  method?: string
  headers?: Record<string, string>
  body?: string
}

interface Answered {
  status: number
  headers: IncomingHttpHeaders
  text: string
}

interface AuditLine {
  user?: string
  address?: string
  reason?: string
  detail?: Record<string, unknown>
}

export const users = { ann: 'Operator', vic: 'Viewer', ada: 'Admin' }
export const press = { name: 'press', path: '/press/', roles: ['Operator'], public: ['/press/andon/'] }
export { password }

export async function openBox({ env = {}, proxied = true } = {}): Promise<Box> {
  const held = new AsyncDisposableStack()
  try {
    return await open(held, env, proxied)
  } catch (error) {
    await held.disposeAsync()
    throw error
  }
}

async function open(held: AsyncDisposableStack, env: Record<string, string>, proxied: boolean): Promise<Box> {
  const { path: stateDir } = held.use(await tempDir())
  const gateway = held.use(await startGateway(stateDir, { EDGEWARD_CERTS_NAMES: '127.0.0.1', ...env }))
  const echo = await startEcho(held)
  for (const [name, role] of Object.entries(users))
    await gateway.operate('user.add', { name, roles: [role], password })
  await gateway.operate('app.add', { name: 'press', version: '1' })
  await gateway.operate('app.set', { ...press, upstream: echo.url })

  const ca = await readFile(join(stateDir, 'pki/ca.crt'), 'utf8')
  const start = async (name: string, run: typeof startNginx): Promise<RunningProxy & { name: string }> => {
    const { text } = await gateway.operate<{ text: string }>('proxy.config', { proxy: name })
    return { name, ...(await run(held, stateDir, text)) }
  }
  const running = proxied ? [await start('nginx', startNginx), await start('caddy', startCaddy)] : []
  const at = (url: string) => {
    const { hostname, port } = new URL(url)
    return { hostname, port }
  }
  return {
    ...{ gateway, stateDir, echo },
    proxies: running.map(({ name, url }) => ({ name, url, browser: () => createBrowser(url, ca) })),
    ask: (path, question) => ask({ ...at(gateway.addresses.auth), path }, question),
    askAdmin: (path, question) => ask({ ...at(gateway.addresses.admin), path }, question),
    askAsProxy: (path, question) => ask({ socketPath: join(stateDir, 'run/proxy.sock'), path }, question),
    async token(username) {
      const body = JSON.stringify({ username, password })
      const question = { method: 'POST', headers: { 'content-type': 'application/json' }, body }
      const answer = await ask({ ...at(gateway.addresses.auth), path: directLogin }, question)
      return JSON.parse(answer.text).access_token
    },
    audit: async (type) => (await gateway.operate<{ entries: AuditLine[] }>('audit.list', { type })).entries,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

export const directLogin = '/device/edge/api/v1/login/direct'
export const verifyPath = '/device/edge/auth/verify'

async function ask(options: object, { method = 'GET', headers, body }: Question = {}): Promise<Answered> {
  const outgoing = request({ ...options, method, headers, agent: false }).end(body)
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  outgoing.on('error', () => {}) // a refused body may break the connection after the answer
  const text = Buffer.concat(await incoming.toArray()).toString()
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, text }
}
