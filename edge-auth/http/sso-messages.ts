import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { EdgeError, Invalid } from '../../core/errors.ts'
import type { HttpServer } from '../../core/http-server.ts'
import type { HttpDeps } from './deps.ts'
import { readForm } from './oauth-form.ts'
import { senderOf } from './request.ts'
import { allowOnly, type Surface } from './route.ts'
import { ssoPath } from './sso-pages.ts'

const Named = Type.Object({ provider: Type.String({ maxLength: 64 }) })
const maxBytes = 64 * 1024

/** What identity providers send by themselves: who it is from is proven by the token in it. */
export async function ssoMessages(server: HttpServer, deps: HttpDeps, surface: Surface): Promise<void> {
  server.removeAllContentTypeParsers()
  server.addContentTypeParser(
    '*',
    { parseAs: 'string', bodyLimit: maxBytes },
    async (_: FastifyRequest, text: string) => text,
  )
  const config = { access: 'anyone' as const, oauth: true as const }
  const from = (request: FastifyRequest) => ({ sender: senderOf(request, surface), requestId: request.id })

  const backChannel = `${ssoPath}/backchannel-logout`
  allowOnly(server, 'POST', backChannel, true)
  server.post<{ Body: string | undefined }>(backChannel, { config }, (request, reply) =>
    answer(reply, () => {
      const token = readForm(request.body ?? '').one('logout_token')
      if (token === undefined) throw new Invalid('logout_token is missing')
      return deps.sso.backChannel(token, from(request))
    }),
  )

  // Keycloak adds the last part to the administration URL of its client.
  const keycloak = `${ssoPath}/keycloak/:provider/k_logout`
  server.post<{ Body: string | undefined; Params: { provider: string } }>(
    keycloak,
    { config, schema: { params: Named } },
    (request, reply) =>
      answer(reply, () =>
        deps.sso.keycloak(request.params.provider, (request.body ?? '').trim(), from(request)),
      ),
  )
}

/** OpenID Connect Back-Channel Logout 1.0, 2.8: whatever is wrong with the token is a 400. */
async function answer(reply: FastifyReply, hear: () => Promise<number>): Promise<FastifyReply> {
  try {
    await hear()
    return reply.status(200).send()
  } catch (error) {
    if (!(error instanceof EdgeError) || error.statusCode !== 400) throw error
    return reply.status(400).send({ error: 'invalid_request', error_description: 'the token is refused' })
  }
}
