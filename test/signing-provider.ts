import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

/** An identity provider that says and signs whatever a test wants, also what an honest one never would. */
export async function startSigningProvider(held: AsyncDisposableStack) {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const kid = 'one'
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid, use: 'sig', alg: 'ES256' }] }
  const state = {
    /** Claims of the next ID token; the nonce is the one that was asked for. */
    claims: {} as JWTPayload,
    /** Those of an access token; without, it is a text that says nothing. */
    accessClaims: undefined as undefined | JWTPayload,
    active: true,
    asked: [] as string[],
    bodies: [] as URLSearchParams[],
    /** In place of an answer. */
    instead: undefined as undefined | { status: number; headers: Record<string, string>; body: Buffer },
    nonce: '',
    /** Its clock, over the system's. */
    aheadMs: 0,
  }
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '', 'http://x').pathname
    state.asked.push(path)
    const body = new URLSearchParams(Buffer.concat(await request.toArray()).toString())
    if (body.size > 0) state.bodies.push(body)
    if (state.instead) {
      response.writeHead(state.instead.status, state.instead.headers).end(state.instead.body)
      return
    }
    const answer = await answers[path]?.()
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer ?? {}))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  held.defer(() => {
    server.closeAllConnections()
    server.close()
  })
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const sign = (claims: JWTPayload, header: object = {}, key = privateKey): Promise<string> =>
    new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid, ...header }).sign(key)
  const now = (): number => Math.floor((Date.now() + state.aheadMs) / 1000)
  const answers: Record<string, () => Promise<object> | object> = {
    '/.well-known/openid-configuration': () => ({
      ...{ issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` },
      ...{ jwks_uri: `${issuer}/jwks`, introspection_endpoint: `${issuer}/introspect` },
      end_session_endpoint: `${issuer}/end`,
    }),
    '/jwks': () => jwks,
    '/introspect': () => ({ active: state.active }),
    '/token': async () => ({
      access_token: state.accessClaims ? await sign(state.accessClaims) : 'opaque',
      ...{ token_type: 'Bearer', expires_in: 60 },
      id_token: await sign({
        ...{ iss: issuer, aud: 'box', sub: 'somebody', iat: now(), exp: now() + 60, nonce: state.nonce },
        ...state.claims,
      }),
    }),
  }
  return { issuer, state, sign, now, publicKey }
}
