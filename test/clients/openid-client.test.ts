import { exportJWK, generateKeyPair } from 'jose'
import {
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  clientCredentialsGrant,
  PrivateKeyJwt,
  type ServerMetadata,
  tokenIntrospection,
  tokenRevocation,
} from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { type OauthBox, openOauthBox } from './oauth-box.ts'

let box: OauthBox
let server: ServerMetadata
beforeAll(async () => {
  box = await openOauthBox()
  const answer = await fetch(`${box.addresses.auth}/.well-known/oauth-authorization-server`)
  server = (await answer.json()) as ServerMetadata
})
afterAll(() => box[Symbol.asyncDispose]())

/** Its issuer is a URN, which no client can discover: the metadata is handed over. */
function configure(clientId: string, how: ClientAuth): Configuration {
  const configuration = new Configuration(server, clientId, undefined, how)
  allowInsecureRequests(configuration) // loopback, without TLS
  return configuration
}

const methods: [string, (id: string) => Promise<Configuration>][] = [
  ['ClientSecretBasic', async (id) => configure(id, ClientSecretBasic((await box.addApp(id)).client_secret))],
  ['ClientSecretPost', async (id) => configure(id, ClientSecretPost((await box.addApp(id)).client_secret))],
  [
    'PrivateKeyJwt',
    async (id) => {
      const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
      await systemClock.sleep(1_000) // an assertion must be younger than the box's start, by whole seconds
      await box.addApp(id, { jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'one' }] } })
      return configure(id, PrivateKeyJwt({ key: privateKey, kid: 'one' }))
    },
  ],
]

describe.each(methods)('openid-client with %s', (name, prepare) => {
  let client: Configuration
  beforeAll(async () => {
    client = await prepare(`app-${name}`)
  })

  test('introspects people’s tokens', async () => {
    const token = await box.token('ann')
    expect(await tokenIntrospection(client, token)).toMatchObject({ active: true, sub: 'ann' })
    expect(await tokenIntrospection(client, `${token}x`)).toEqual({ active: false })
  })

  test('gets a token for itself, introspects and revokes it', async () => {
    const issued = await clientCredentialsGrant(client)
    expect(issued).toMatchObject({ token_type: 'bearer', expires_in: 3600 })
    const introspected = await tokenIntrospection(client, issued.access_token)
    expect(introspected).toMatchObject({ active: true, client_id: `app-${name}` })
    await tokenRevocation(client, issued.access_token)
    expect(await tokenIntrospection(client, issued.access_token)).toEqual({ active: false })
  })

  test('revokes a person’s token', async () => {
    const token = await box.token('vic')
    await tokenRevocation(client, token, { token_type_hint: 'access_token' })
    expect(await tokenIntrospection(client, token)).toEqual({ active: false })
  })
})

test('openid-client is told in its own words that a secret is wrong', async () => {
  await box.addApp('forgetful')
  const client = configure('forgetful', ClientSecretBasic('wrong'))
  await expect(tokenIntrospection(client, 'x')).rejects.toMatchObject({ status: 401 })
  await expect(clientCredentialsGrant(client)).rejects.toMatchObject({ status: 401 })
})
