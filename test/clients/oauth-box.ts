import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Gateway, startGateway, tempDir } from '../harness.ts'
import { startCaddy } from '../proxies.ts'

/** The running daemon, for other people's OAuth clients. */
export interface OauthBox extends AsyncDisposable {
  readonly gateway: Gateway
  readonly stateDir: string
  readonly addresses: { auth: string; introspect: string }
  /** A person's access token. */
  token(user: string): Promise<string>
  addApp(id: string, more?: object): Promise<{ client_id: string; client_secret: string }>
}

const password = 'correct horse battery'

/** With the users ann (Admin) and vic (Viewer). */
export async function openOauthBox(): Promise<OauthBox> {
  await using held = new AsyncDisposableStack()
  const { path: stateDir } = held.use(await tempDir())
  const env = { EDGEWARD_CERTS_NAMES: '127.0.0.1', EDGEWARD_AUTH_INTROSPECT_LISTEN: '127.0.0.1:0' }
  const gateway = held.use(await startGateway(stateDir, env))
  await gateway.operate('user.add', { name: 'ann', roles: ['Admin'], password })
  await gateway.operate('user.add', { name: 'vic', roles: ['Viewer'], password })
  const addresses = gateway.addresses as unknown as OauthBox['addresses']
  const all = held.move()
  return {
    ...{ gateway, stateDir, addresses },
    async token(username) {
      const answer = await fetch(`${addresses.auth}/device/edge/api/v1/login/direct`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ username, password }),
      })
      return ((await answer.json()) as { access_token: string }).access_token
    },
    addApp: (name, more = {}) => gateway.operate('app.add', { name, version: '1', ...more }),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** Behind Caddy as edgeward configures it: over https, as clients insist on. */
export async function serveOverTls(
  held: AsyncDisposableStack,
  { gateway, stateDir }: OauthBox,
): Promise<{ url: string; caFile: string; ca: string }> {
  const { text } = await gateway.operate<{ text: string }>('proxy.config', { proxy: 'caddy' })
  const { url } = await startCaddy(held, stateDir, text)
  const caFile = join(stateDir, 'pki/ca.crt')
  return { url, caFile, ca: await readFile(caFile, 'utf8') }
}
