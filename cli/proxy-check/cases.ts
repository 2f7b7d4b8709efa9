import type { Probe } from './raw.ts'

/** A way that has led past some proxy or its guard. */
export interface Case extends Probe {
  name: string
  /** redirect: may not lead to another site; entry: may not lead to the app. */
  about: 'redirect' | 'entry'
}

export interface GuardedApp {
  /** e.g. `/press/` */
  path: string
  public: readonly string[]
}

export const loginPath = '/device/edge/auth/login'

/** Every case for one app; none of them is signed in, so none may reach it. */
export function casesFor(app: GuardedApp): Case[] {
  const entries = [...spellings(app), ...publicEscapes(app), ...pretences(app), ...protocols(app)]
  return entries.map((probe) => ({ ...probe, about: 'entry' }))
}

type Named = Probe & { name: string }

function spellings({ path }: GuardedApp): Named[] {
  const inner = path.slice(1) // "press/"
  const bare = path.slice(0, -1) // "/press"
  const first = inner.charCodeAt(0).toString(16)
  const targets: Record<string, string> = {
    'as it is': path,
    'dot segment before': `/.${path}`,
    'dot segment after': `${path}./`,
    'dot-dot before': `/x/..${path}`,
    'dot-dot after': `${path}x/../`,
    'encoded dot segment': `/%2e${path}`,
    'encoded dot-dot': `/x/%2e%2e${path}`,
    'half encoded dot-dot': `/x/.%2E${path}`,
    'dot-dot with encoded slash': `/x/..%2f${inner}`,
    'encoded twice': `/x/%252e%252e${path}`,
    'two slashes before': `/${path}`,
    'two slashes after': `${path}/`,
    'encoded slash': `${bare}%2f`,
    'encoded letter': `/%${first}${inner.slice(1)}`,
    backslash: `/\\${inner}`,
    'backslash after': `${bare}\\`,
    'encoded backslash': `/x%5c..%5c${inner}`,
    'upper case': path.toUpperCase(),
    'one letter in upper case': `/${inner.charAt(0).toUpperCase()}${inner.slice(1)}`,
    'path parameter': `${bare};x=1/`,
    'path parameter after': `${path};x=1`,
    'path parameter on dot-dot': `/x/..;${path}`,
    'NUL encoded': `${path}%00`,
    'NUL before the end': `${path}%00.css`,
    'overlong UTF-8 dots': `/x/%c0%ae%c0%ae${path}`,
    'overlong UTF-8 slash': `/x/..%c0%af${inner}`,
    'full-width slash': `/%ef%bc%8f${inner}`,
    fragment: `${path}#/x`,
    'trailing dot': `${bare}./`,
    'line break encoded': `${path}%0d%0aX-Auth-User:%20root`,
    'tab in the target': `${path}\tx`,
    'query that names another path': `${path}?/device/edge/auth/login`,
    'static file ending': `${path}x.css`,
    'absolute target': `http://127.0.0.1${path}`,
    'login path before': `${loginPath}/../../../..${path}`,
    'login path before, encoded': `${loginPath}/%2e%2e/%2e%2e/%2e%2e/%2e%2e${path}`,
  }
  return Object.entries(targets).map(([name, target]) => ({ name: `path: ${name}`, target }))
}

/** Out of what is open into what is not. */
function publicEscapes({ path, public: open }: GuardedApp): Named[] {
  return open.flatMap((sub) => {
    const up = path.length > 1 ? sub.slice(path.length).split('/').length - 1 : 1
    const climbing = ['../', '%2e%2e/', '..%2f', '..;/', '.%2e/', '..%5c', '%252e%252e/']
    return climbing.map((step) => ({
      name: `public path: left by ${step}`,
      target: `${sub}${step.repeat(up)}`,
    }))
  })
}

function pretences({ path, public: open }: GuardedApp): Named[] {
  const elsewhere = open[0] ?? loginPath
  const pairs: [string, string][] = [
    ['X-Forwarded-Uri', elsewhere],
    ['X-Original-Uri', elsewhere],
    ['X-Original-Url', elsewhere],
    ['X-Rewrite-Url', elsewhere],
    ['X-Forwarded-Prefix', elsewhere],
    ['X-Forwarded-Path', elsewhere],
    ['X-Forwarded-Method', 'OPTIONS'],
    ['X-Original-Method', 'OPTIONS'],
    ['X-Forwarded-For', '127.0.0.1'],
    ['X-Real-Ip', '127.0.0.1'],
    ['Forwarded', 'for=127.0.0.1;host=localhost'],
    ['X-Forwarded-Host', 'localhost'],
    ['X-Edgeward-Proxy', 'x'.repeat(32)],
    ['X-Auth-User', 'admin'],
    ['X_Auth_User', 'admin'],
    ['X.Auth.User', 'admin'],
    ['X-Auth_User', 'admin'],
    ['X-Auth-Roles', 'Admin'],
    ['Remote-User', 'admin'],
    ['X-Forwarded-User', 'admin'],
    ['Cookie', 'access_token=undefined'],
    ['Authorization', 'Basic YWRtaW46YWRtaW4='],
    ['Connection', 'close, Cookie, X-Original-Uri'],
  ]
  const agents = ['GoogleHC/1.0', 'kube-probe/1.29', 'ELB-HealthChecker/2.0', 'Consul Health Check']
  const checks = ['healthz', 'health', 'ping', 'ready', 'favicon.ico', 'robots.txt']
  return [
    ...pairs.map(([name, value]) => ({
      name: `header: ${name}`,
      target: path,
      headers: [[name, value]] as const,
    })),
    ...agents.map((agent) => ({
      name: `user agent: ${agent}`,
      target: path,
      headers: [['User-Agent', agent]] as const,
    })),
    ...checks.map((check) => ({ name: `health check: ${check}`, target: `${path}${check}` })),
  ]
}

function protocols({ path }: GuardedApp): Named[] {
  const key = ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='] as const
  const upgrade = (to: string) =>
    [['Connection', 'Upgrade'], ['Upgrade', to], ['Sec-WebSocket-Version', '13'], key] as const
  const methods = ['HEAD', 'POST', 'OPTIONS', 'TRACE', 'PROPFIND', 'get', 'X']
  return [
    ...methods.map((method) => ({ name: `method: ${method}`, method, target: path })),
    { name: 'WebSocket', target: path, headers: upgrade('websocket') },
    { name: 'WebSocket by another spelling', target: path, headers: upgrade('WebSocket') },
    { name: 'upgrade to h2c', target: path, headers: upgrade('h2c') },
  ]
}

/** Where a login must not lead: each has led away from somewhere. */
export const foreignTargets: readonly string[] = [
  '//evil.example',
  '///evil.example',
  '/\\evil.example',
  '\\/evil.example',
  '/\t/evil.example',
  '/%0d%0aLocation:https://evil.example',
  'https:evil.example',
  'https:///evil.example',
  'https://evil.example/',
  'javascript:alert(1)//evil.example',
  'data:text/html,evil.example',
  '/%2f/evil.example',
  '/.//evil.example',
  '/x/..//evil.example',
  'user@evil.example',
  '/。evil.example',
  `/${'a'.repeat(10_240)}evil.example`,
]

export const redirectCases: readonly Case[] = foreignTargets.map((rd) => ({
  name: `redirect: ${rd.length > 60 ? `${rd.length} characters` : JSON.stringify(rd)}`,
  target: `${loginPath}?rd=${encodeURIComponent(rd)}`,
  about: 'redirect',
}))
