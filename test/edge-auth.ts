import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type IncomingHttpHeaders, type IncomingMessage, type RequestOptions, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { systemClock } from '../core/clock.ts'
import { type Caller, run as runOperation } from '../core/control.ts'
import { createLog } from '../core/log.ts'
import { openNetwork } from '../core/net/index.ts'
import { systemRandom } from '../core/random.ts'
import { type EdgeAuthConfig, type EdgeAuthDeps, openEdgeAuth } from '../edge-auth/index.ts'

export interface Ask {
  /** Which way in: straight, as the reverse proxy, or from the apps' own network. */
  via?: 'tcp' | 'proxy' | 'internal'
  method?: string
  headers?: Record<string, string>
  /** Sent as JSON, unless it is a form or text. */
  body?: URLSearchParams | string | object
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
  json(): unknown
  /** `name=value` of a Set-Cookie, ready to be sent back. */
  cookie(name: string): string | undefined
}

export const introspectPath = '/device/edge/auth/oauth2/introspect'
export const loginPath = '/device/edge/auth/login'
export const password = 'correct horse battery'

export const sessionPolicy: EdgeAuthConfig['sessions'] = {
  ...{ absoluteMs: 86_400_000, renewalMs: 1_800_000, lifespanMs: 3_600_000, renewalDelayMs: 60_000 },
  ...{ maxPerUser: 5, checkUserAgent: false },
}

/** A box that measures nothing. */
const noMeasurements: EdgeAuthDeps['measurements'] = {
  mayPublish: () => true,
  isBound: () => false,
  take: () => undefined,
}

/** The real thing in a temporary directory, with a wall clock that can be stepped. */
export async function startEdgeAuth(
  settings: Partial<EdgeAuthConfig> = {},
  measurements: EdgeAuthDeps['measurements'] = noMeasurements,
  more: Partial<EdgeAuthDeps> = {},
) {
  const dir = await mkdtemp(join(tmpdir(), 'edge-auth-'))
  const config: EdgeAuthConfig = {
    dir: join(dir, 'state'),
    auditMaxBytes: 67_108_864,
    runtimeDir: dir,
    listen: '127.0.0.1:0',
    introspectListen: '127.0.0.1:0',
    introspectPublic: false,
    guardDefault: 'signed_in',
    certificate: { cert: join(dir, 'server.crt'), key: join(dir, 'server.key') },
    admin: { idleMs: 1_800_000, lifetimeMs: 43_200_000 },
    openIntrospectionRate: [],
    sessions: sessionPolicy,
    technicalLifetimeMs: 3_600_000,
    ssoAllowPrivate: [],
    localTenant: 'box',
    kv: { quota: 268_435_456, maxValueBytes: 16_777_216 },
    lockedOptions: [],
    throttle: { attempts: 5, windowMs: 900_000, blockMs: 900_000 },
    passwords: { minLength: 8, strong: false, validityMs: 0 },
    ...settings,
  }
  const outgoing = openNetwork().http
  let offsetMs = 0
  let passedMs = 0
  const clock = {
    ...systemClock,
    now: () => Date.now() + passedMs + offsetMs,
    monotonic: () => systemClock.monotonic() + passedMs,
  }
  const logged: Record<string, unknown>[] = []
  const log = createLog('info', { write: (line) => void logged.push(JSON.parse(line)) })
  const open = async () => {
    await using opening = new AsyncDisposableStack()
    const deps = { clock, random: systemRandom, log, outgoing, measurements, ...more }
    const auth = opening.use(await openEdgeAuth(deps, config))
    const urls = await auth.listen()
    opening.move()
    return { auth, urls }
  }
  let current = await open().catch(async (error) => {
    await rm(dir, { recursive: true })
    throw error
  })

  const ask = (path: string, { via = 'tcp', ...question }: Ask = {}): Promise<Answer> => {
    const { auth, introspect } = current.urls
    if (via === 'proxy') return send({ socketPath: join(dir, 'proxy.sock'), path }, question)
    const { hostname, port } = new URL(via === 'tcp' ? auth : (introspect as string))
    return send({ hostname, port, path }, question)
  }
  /** By the machine, unless somebody else is named. */
  const run = (operation: string, params: object = {}, caller?: Caller): Promise<unknown> =>
    runOperation(current.auth.operations, operation, params, caller)

  return {
    dir,
    logged,
    ask,
    run,
    get auth() {
      return current.auth
    },
    get url() {
      return current.urls.auth
    },
    /** What the clock of the box shows. */
    now: (): number => clock.now(),
    /** Somebody sets the clock. */
    stepClock(ms: number): void {
      offsetMs += ms
    },
    /** Time passes; who sleeps sleeps on. */
    passTime(ms: number): void {
      passedMs += ms
    },
    async restart(): Promise<void> {
      await current.auth[Symbol.asyncDispose]()
      current = await open()
    },
    /** Between a stop and a start: nobody else can open auth.db while it is served. */
    async inDatabase<T>(work: (db: Database.Database) => T): Promise<T> {
      await current.auth[Symbol.asyncDispose]()
      const db = new Database(join(config.dir, 'auth.db'))
      const result = work(db)
      db.close()
      current = await open()
      return result
    },
    addUser: (name: string, ...roles: string[]) => run('user.add', { name, roles, password }),
    signIn: async (username: string, typed = password): Promise<string> => {
      const answer = await ask('/device/edge/api/v1/login/direct', {
        method: 'POST',
        body: { username, password: typed },
      })
      return (answer.json() as { access_token: string }).access_token
    },
    /** From the apps' own network, where no client credentials are needed. */
    introspect: async (token: string): Promise<unknown> => {
      const body = new URLSearchParams({ token })
      return (await ask(introspectPath, { via: 'internal', method: 'POST', body })).json()
    },
    async [Symbol.asyncDispose]() {
      await current.auth[Symbol.asyncDispose]()
      await rm(dir, { recursive: true })
    },
  }
}

async function send(options: RequestOptions, { method = 'GET', headers, body }: Ask): Promise<Answer> {
  const typed =
    body === undefined || typeof body === 'string'
      ? {}
      : { 'content-type': body instanceof URLSearchParams ? formType : 'application/json' }
  const outgoing = request({ ...options, method, headers: { ...typed, ...headers }, agent: false })
  outgoing.end(
    typeof body === 'object' && !(body instanceof URLSearchParams) ? JSON.stringify(body) : body?.toString(),
  )
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  outgoing.on('error', () => {}) // a refused body may break the connection after the answer
  const text = Buffer.concat(await incoming.toArray()).toString()
  const cookies = incoming.headers['set-cookie'] ?? []
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    text,
    json: () => JSON.parse(text),
    cookie: (name) => cookies.find((cookie) => cookie.startsWith(`${name}=`))?.split(';')[0],
  }
}

export const formType = 'application/x-www-form-urlencoded'
