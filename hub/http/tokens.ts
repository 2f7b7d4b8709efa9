import Type from 'typebox'
import { Invalid } from '../../core/errors.ts'
import type { HttpServer } from '../../core/http-server.ts'
import { AgentToken, clientAssertionType } from '../../protocol/token.ts'
import { UnsupportedGrant } from '../errors.ts'
import type { PublicKey, Tokens } from '../tokens/index.ts'
import { requireBasic } from './guard.ts'

const Grant = Type.Object({ grant_type: Type.String() })
const AssertionGrant = Type.Object({
  grant_type: Type.String(),
  client_assertion_type: Type.String(),
  client_assertion: Type.String({ maxLength: 16_384 }),
})

export function tokenRoutes(server: HttpServer, { tokens }: { tokens: Tokens }): void {
  server.post(
    '/api/agentmanagement/v3/oauth/token',
    {
      schema: { body: AssertionGrant, response: { 200: AgentToken } },
    },
    async ({ body }) => {
      refuseOtherGrants(body.grant_type)
      if (body.client_assertion_type !== clientAssertionType)
        throw new Invalid(`client_assertion_type must be ${clientAssertionType}`)
      const { token, jti, issuedAt, lifetimeMs, scope } = await tokens.forAssertion(body.client_assertion)
      return {
        access_token: token,
        token_type: 'Bearer',
        expires_in: Math.floor(lifetimeMs / 1000),
        scope: [scope],
        jti,
        timestamp: Math.floor(issuedAt / 1000),
      }
    },
  )

  server.post(
    '/oauth/token',
    {
      schema: { body: Grant },
      errorHandler: (error, _request, reply) => {
        if (error.statusCode === 401) reply.header('www-authenticate', 'Basic realm="edgeward hub"')
        throw error // on to the handler of the server
      },
    },
    async (request) => {
      refuseOtherGrants(request.body.grant_type)
      const { clientId, secret } = requireBasic(request)
      const { token, jti, lifetimeMs, scope } = await tokens.forServiceCredential(clientId, secret)
      return {
        access_token: token,
        token_type: 'bearer',
        expires_in: Math.floor(lifetimeMs / 1000),
        scope,
        jti,
      }
    },
  )

  const keys = { keys: tokens.publicKeys.map((key) => ({ ...describe(key), value: key.pem })) }
  server.get('/token_keys', async () => keys)
  server.get('/api/agentmanagement/v3/oauth/token_keys', async () => keys)
  // Clients of this one put the line breaks of the PEM in themselves; with ours it would be broken.
  const [current] = tokens.publicKeys as [PublicKey]
  const key = { ...describe(current), value: current.pem.replaceAll('\n', '') }
  const etag = `"${current.kid}"`
  server.get('/api/agentmanagement/v3/oauth/token_key', async (request, reply) => {
    reply.header('etag', etag)
    const known = (request.headers['if-none-match'] ?? '').split(/\s*,\s*/)
    if (known.includes('*') || known.some((text) => text.replace(/^W\//, '') === etag))
      return reply.status(304).send()
    return key
  })
}

const describe = ({ kid, n, e }: PublicKey) => ({ kty: 'RSA', e, n, kid, alg: 'RS256', use: 'sig' })

function refuseOtherGrants(grantType: string): void {
  if (grantType !== 'client_credentials') throw new UnsupportedGrant()
}
