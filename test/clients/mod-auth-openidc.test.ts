import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, freePort } from '../harness.ts'
import { describeWith, findProgram } from '../peers.ts'
import { type OauthBox, openOauthBox, serveOverTls } from './oauth-box.ts'

const modules = '/usr/lib/apache2/modules'

describeWith(['apache2', 'caddy'], 'Apache with mod_auth_openidc as OAuth 2.0 resource server', () => {
  const held = new AsyncDisposableStack()
  let box: OauthBox
  let apache: string

  beforeAll(async () => {
    box = held.use(await openOauthBox())
    const { url, caFile } = await serveOverTls(held, box)
    const { client_secret: secret } = await box.addApp('apache')
    apache = await startApache(held, box.stateDir, { introspection: url, caFile, secret })
  })
  afterAll(() => held.disposeAsync())

  const get = (path: string, headers: Record<string, string> = {}) => fetch(apache + path, { headers })

  test.each<[string, string, (token: string) => Record<string, string>]>([
    ['the cookie', '/cookie/', (token) => ({ cookie: `access_token=${token}` })],
    ['the Authorization header', '/header/', (token) => ({ authorization: `Bearer ${token}` })],
  ])('lets in by %s who is signed in', async (_name, path, carrying) => {
    const token = await box.token('vic')
    const answer = await get(path, carrying(token))
    expect([answer.status, await answer.text()]).toEqual([200, 'content\n'])
    expect(answer.headers.get('x-remote-user')).toBe('vic')
    expect((await get(path)).status).toBe(401)
    expect((await get(path, carrying(`${token}x`))).status).toBe(401)
  })

  test('asks for a role, as the claim ext.roles', async () => {
    const as = async (user: string) => ({ authorization: `Bearer ${await box.token(user)}` })
    expect((await get('/admin/', await as('ann'))).status).toBe(200)
    expect((await get('/admin/', await as('vic'))).status).toBe(401)
  })

  test('turns away who has signed out', async () => {
    const authorization = `Bearer ${await box.token('vic')}`
    await box.gateway.operate('session.end', { user: 'vic' })
    expect((await get('/header/', { authorization })).status).toBe(401)
  })
})

interface Introspection {
  introspection: string
  caFile: string
  secret: string
}

async function startApache(
  held: AsyncDisposableStack,
  dir: string,
  { introspection, caFile, secret }: Introspection,
) {
  const port = await freePort()
  const home = join(dir, 'apache')
  for (const name of ['', 'cookie', 'header', 'admin'])
    await mkdir(join(home, 'www', name), { recursive: true })
  for (const name of ['cookie', 'header', 'admin'])
    await writeFile(join(home, 'www', name, 'index.html'), 'content\n', { mode: 0o644 })
  const load = (names: string[]) =>
    names.map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`).join('\n')
  const location = (name: string, how: string, who: string) => `
    <Location /${name}/>
      AuthType oauth20
      OIDCOAuthAcceptTokenAs ${how}
      ${who}
      Header set X-Remote-User expr=%{REMOTE_USER}
    </Location>`
  const file = join(home, 'apache.conf')
  await writeFile(
    file,
    `ServerRoot ${home}
    PidFile ${home}/apache.pid
    ServerName 127.0.0.1
    Listen 127.0.0.1:${port}
    ErrorLog ${home}/error.log
    DefaultRuntimeDir ${home}
    ${load(['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'dir', 'headers', 'auth_openidc'])}
    DocumentRoot ${home}/www
    DirectoryIndex index.html
    OIDCOAuthIntrospectionEndpoint ${introspection}/device/edge/auth/oauth2/introspect
    OIDCOAuthIntrospectionEndpointAuth client_secret_basic
    OIDCOAuthClientID apache
    OIDCOAuthClientSecret ${secret}
    OIDCOAuthTokenExpiryClaim exp absolute mandatory
    OIDCOAuthRemoteUserClaim sub
    OIDCOAuthTokenIntrospectionInterval -1
    OIDCCABundlePath ${caFile}
    ${location('cookie', 'cookie:access_token', 'Require valid-user')}
    ${location('header', 'header', 'Require valid-user')}
    ${location('admin', 'header', 'Require claim ext.roles:Admin')}
    `,
  )
  const args = ['-D', 'FOREGROUND', '-f', file]
  const child = spawn(findProgram('apache2') as string, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  held.defer(async () => {
    if (child.exitCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  })
  const url = `http://127.0.0.1:${port}`
  await eventually('apache serves', async () => (await fetch(url)).status > 0)
  return url
}
