import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
// @ts-expect-error it comes without types
import Provider from 'oidc-provider'

/*
 * A real identity provider in a process of its own. Whoever types a name is that person; what the provider says
 * of people, and its keys, are changed by messages of the parent.
 */

interface Start {
  redirectUris: string[]
  postLogoutRedirectUris: string[]
  backChannelUri?: string
  port?: number
  clientId: string
  clientSecret: string
}
type Message = { do: 'start'; with: Start } | { do: 'claims'; sub: string; claims: object } | { do: 'rotate' }

let provider: { callback(): (request: IncomingMessage, response: ServerResponse) => void } | undefined
let given: Start
let keys: JWK[] = []
let issuer = ''
const people = new Map<string, object>()

async function makeKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  return { ...(await exportJWK(privateKey)), kid: crypto.randomUUID(), use: 'sig', alg: 'RS256' }
}

function configuration(): object {
  return {
    clients: [
      {
        client_id: given.clientId,
        client_secret: given.clientSecret,
        redirect_uris: given.redirectUris,
        post_logout_redirect_uris: given.postLogoutRedirectUris,
        ...(given.backChannelUri === undefined
          ? {}
          : { backchannel_logout_uri: given.backChannelUri, backchannel_logout_session_required: true }),
      },
    ],
    jwks: { keys },
    cookies: { keys: ['only for tests'] },
    pkce: { required: () => true },
    features: {
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      devInteractions: { enabled: true },
      introspection: { enabled: true },
    },
    claims: {
      openid: ['sub', 'groups', 'preferred_username', 'nested'],
      profile: ['given_name', 'family_name'],
      email: ['email'],
    },
    conformIdTokenClaims: false,
    findAccount: async (_context: unknown, sub: string) => ({
      accountId: sub,
      claims: async () => ({ sub, ...people.get(sub) }),
    }),
    // The box is on this machine, which it would not ask otherwise.
    fetch: (url: string, options: Record<string, unknown>) => {
      delete options.dispatcher
      return fetch(url, options as RequestInit)
    },
  }
}

function open(): void {
  const opened = new Provider(issuer, configuration())
  opened.on('server_error', (_: unknown, error: Error) => process.stderr.write(`${error.stack}\n`))
  provider = opened
}

const answer = (request: IncomingMessage, response: ServerResponse): void =>
  void provider?.callback()(request, response)

process.on('message', async (message: Message) => {
  if (message.do === 'start') {
    given = message.with
    keys = [await makeKey()]
    const server = createServer(answer).listen(given.port ?? 0, '127.0.0.1')
    await once(server, 'listening')
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    open()
    process.send?.({ issuer })
    return
  }
  if (message.do === 'claims') people.set(message.sub, message.claims)
  if (message.do === 'rotate') {
    keys = [await makeKey()]
    open()
  }
  process.send?.({ done: message.do })
})
process.on('disconnect', () => process.exit(0))
