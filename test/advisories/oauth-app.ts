import type { Box } from './boxed.ts'

/** An app of the box, with its secret. */
export interface OauthApp {
  readonly id: string
  readonly secret: string
  readonly authorization: string
  post(path: string, fields: Record<string, string>): ReturnType<Box['ask']>
  introspect(token: string): Promise<unknown>
  token(fields?: Record<string, string>): Promise<string>
}

export const introspectPath = '/device/edge/auth/oauth2/introspect'
export const tokenPath = '/device/edge/auth/oauth2/token'
export const revokePath = '/device/edge/auth/oauth2/revoke'
export const formHeader = { 'content-type': 'application/x-www-form-urlencoded' }
export const inactive = { active: false }

export const basic = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`

export async function addApp({ gateway, ask }: Box, id: string): Promise<OauthApp> {
  const { client_secret: secret } = await gateway.operate<{ client_secret: string }>('app.add', {
    name: id,
    version: '1',
  })
  const authorization = basic(id, secret)
  const post: OauthApp['post'] = (path, fields) =>
    ask(path, {
      method: 'POST',
      headers: { ...formHeader, authorization },
      body: new URLSearchParams(fields).toString(),
    })
  return {
    ...{ id, secret, authorization, post },
    introspect: async (token) => JSON.parse((await post(introspectPath, { token })).text),
    async token(fields = {}) {
      const { text } = await post(tokenPath, { grant_type: 'client_credentials', ...fields })
      return (JSON.parse(text) as { access_token: string }).access_token
    },
  }
}

/** So many at a time. */
export async function inParallel<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>) {
  let next = 0
  const one = async () => {
    while (next < items.length) await work(items[next++] as T)
  }
  await Promise.all(Array.from({ length: width }, one))
}
