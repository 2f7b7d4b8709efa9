import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface IdentityProvider {
  readonly issuer: string
  /** What it says of who types this name. */
  setClaims(sub: string, claims: object): Promise<void>
  /** New keys only, as of now. */
  rotateKeys(): Promise<void>
  stop(): Promise<void>
  /** At its old address. */
  start(): Promise<void>
}

export const client = { clientId: 'box', clientSecret: 'the secret of the box' }

export interface ProviderUrls {
  redirectUris: string[]
  postLogoutRedirectUris: string[]
  backChannelUri?: string
}

const program = fileURLToPath(new URL('./sso-provider.fixture.ts', import.meta.url))

/** The real identity provider `oidc-provider`, in a process of its own. */
export async function startIdentityProvider(
  held: AsyncDisposableStack,
  urls: ProviderUrls,
): Promise<IdentityProvider> {
  let child: ChildProcess | undefined
  let port: number | undefined
  const ask = async (message: object): Promise<{ issuer?: string }> => {
    const answered = once(child as ChildProcess, 'message')
    child?.send(message)
    const [answer] = await answered
    return answer as { issuer?: string }
  }
  const start = async (): Promise<string> => {
    child = fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] })
    const { issuer } = await ask({ do: 'start', with: { ...urls, ...client, port } })
    port = Number(new URL(issuer as string).port)
    return issuer as string
  }
  const stop = async (): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill()
    await gone
  }
  held.defer(stop)
  return {
    issuer: await start(),
    setClaims: async (sub, claims) => void (await ask({ do: 'claims', sub, claims })),
    rotateKeys: async () => void (await ask({ do: 'rotate' })),
    stop,
    start: async () => void (await start()),
  }
}
