import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
// @ts-expect-error: it comes without types
import Provider from 'oidc-provider'

/**
 * oidc-provider with one app that may introspect, and people who have signed in to it. Says its address and
 * their access tokens. `node oidc-provider.fixture.ts ID SECRET PEOPLE`
 */
const [id, secret, people] = process.argv.slice(2) as [string, string, string]
const provider = new Provider('http://127.0.0.1', {
  clients: [
    {
      ...{ client_id: id, client_secret: secret, redirect_uris: ['https://app.invalid/'] },
      ...{ grant_types: ['authorization_code'], response_types: ['code'] },
    },
  ],
  features: {
    introspection: { enabled: true, allowedPolicy: () => true },
    devInteractions: { enabled: false },
  },
})

/** What its code flow gives at the end. */
async function signIn(accountId: string): Promise<string> {
  const grant = new provider.Grant({ accountId, clientId: id })
  grant.addOIDCScope('openid')
  const grantId = await grant.save()
  const client = await provider.Client.find(id)
  const issued = { accountId, client, grantId, gty: 'authorization_code', scope: 'openid' }
  return new provider.AccessToken(issued).save()
}

const tokens: string[] = []
for (let n = 0; n < Number(people); n++) tokens.push(await signIn(`person-${n}`))
const server: Server = provider.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}/`, tokens })}\n`)
})
