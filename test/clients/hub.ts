import { generateKeyPairSync } from 'node:crypto'
import { type Hub, startHub, tempDir } from '../harness.ts'

/** `edgeward hub` as a process, for clients that others wrote. */
export interface ClientHub extends AsyncDisposable {
  readonly dir: string
  readonly hub: Hub
  readonly base: string
  readonly credentials: { client_id: string; client_secret: string }
  /** Of the tenant. */
  token(): Promise<string>
  /** With the tenant's token; the answer's JSON. */
  get<T>(path: string): Promise<T>
}

export async function startClientHub(
  env: Record<string, string> = {},
  options: readonly string[] = [],
): Promise<ClientHub> {
  await using opened = new AsyncDisposableStack()
  const dir = opened.use(await tempDir())
  const hub = opened.use(await startHub(`${dir.path}/hub`, env, options))
  const credentials = await hub.operate<ClientHub['credentials']>('init')
  const base = hub.addresses.http
  const held = opened.move()

  const token = async () => {
    const { client_id, client_secret } = credentials
    const answer = await fetch(`${base}/oauth/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${client_id}:${client_secret}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    })
    return ((await answer.json()) as { access_token: string }).access_token
  }
  return {
    dir: dir.path,
    hub,
    base,
    credentials,
    token,
    async get<T>(path: string) {
      const answer = await fetch(`${base}${path}`, { headers: { authorization: `Bearer ${await token()}` } })
      return (await answer.json()) as T
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** As `openssl genrsa -traditional` writes it; clients in the field read no other form. */
export const pkcs1Key = (): string =>
  generateKeyPairSync('rsa', { modulusLength: 3072 })
    .privateKey.export({ type: 'pkcs1', format: 'pem' })
    .toString()
