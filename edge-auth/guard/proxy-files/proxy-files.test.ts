import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { otherSpellings } from './headers.ts'
import { proxyFile, proxyKinds, type ServedGate } from './index.ts'
import { traefikConfig } from './traefik.ts'

const example: ServedGate = {
  ...{ clientId: 'example', path: '/example/', upstream: 'http://127.0.0.1:9000' },
  ...{ roles: [], methods: [], rules: [], public: [], withholdToken: false },
}
const config = {
  socket: '/run/edgeward/proxy.sock',
  listen: '127.0.0.1:8480',
  cert: '/var/lib/edgeward/pki/server.crt',
  key: '/var/lib/edgeward/pki/server.key',
}
const shipped = { nginx: 'nginx.conf', caddy: 'Caddyfile', traefik: 'traefik.yml' }

test.each(proxyKinds)('the shipped file for %s is what the command writes for one app', async (kind) => {
  const path = new URL(`../../../packaging/proxy/${shipped[kind]}`, import.meta.url)
  expect(proxyFile(kind, [example], config)).toBe(await readFile(path, 'utf8'))
})

test.each(proxyKinds)('%s: an app below another comes first, and no two names meet', (kind) => {
  const inner = { ...example, clientId: 'a.b', path: '/example/inner/', upstream: 'http://[::1]:9001' }
  const twin = { ...example, clientId: 'a-b', path: '/twin/' }
  const text = proxyFile(kind, [example, inner, twin], config)
  expect(text.indexOf('/example/inner/')).toBeLessThan(text.indexOf('/twin/'))
  for (const name of ['a_46_b', 'a_45_b'].map((id) => (kind === 'traefik' ? id.replaceAll('_', '-') : id)))
    expect(text).toContain(name)
  expect(text).toContain('[::1]:9001')
})

test('the spellings of a header that some server takes for it', () => {
  expect(otherSpellings('X-Auth-User')).toHaveLength(8)
  expect(otherSpellings('X-Auth-User')).toContain('X_Auth.User')
  expect(otherSpellings('Forwarded')).toEqual([])
})

test('Traefik: an app is reached through all three middlewares, a WebSocket only through edgeward', () => {
  const { http } = traefikConfig([example], config)
  const routers = http.routers as Record<
    string,
    { rule: string; middlewares: string[]; service: string; priority: number }
  >
  const { 'app-example': app, 'app-example-websocket': webSocket, edgeward } = routers
  expect(app?.middlewares).toEqual(['edgeward-strip', 'edgeward-guard', 'edgeward-keep'])
  expect(webSocket?.service).toBe('edgeward')
  expect(webSocket?.priority).toBeGreaterThan(app?.priority as number)
  expect(edgeward?.priority).toBeGreaterThan(webSocket?.priority as number)
  for (const { service, middlewares } of Object.values(routers)) {
    expect(http.services).toHaveProperty(service)
    for (const name of middlewares) expect(http.middlewares).toHaveProperty(name)
  }
  // What Traefik replaces in the request by what edgeward answers, or removes.
  expect(http.middlewares['edgeward-guard'].forwardAuth.authResponseHeaders).toEqual([
    'X-Auth-User',
    'X-Auth-Roles',
    'Cookie',
    'Authorization',
  ])
})
