import { EdgeError, Invalid } from '../../core/errors.ts'
import type { HttpServer } from '../../core/http-server.ts'
import type { TechnicalTokens } from '../apps/technical-tokens.ts'
import type { HttpDeps } from './deps.ts'
import { type FormEndpoint, json, serveForm } from './form-endpoint.ts'
import { type AskingClient, requireClient } from './oauth-client.ts'
import { readForm } from './oauth-form.ts'
import { oauthPaths } from './oauth-paths.ts'
import type { Surface } from './route.ts'

class UnsupportedGrantType extends EdgeError {
  override readonly name = 'UnsupportedGrantType'
  readonly code = 'unsupported_grant_type'
  override readonly statusCode = 400
}

export const grantType = 'client_credentials'

/** RFC 6749 4.4: a token for the app itself. `audience` (RFC 8693) names the apps that it is for. */
export function createTokenEndpoint(deps: {
  askingClient: AskingClient
  technical: TechnicalTokens
}): FormEndpoint {
  return async (question) => {
    const form = readForm(question.body)
    const client = await requireClient(deps.askingClient(question, form))
    const asked = form.one('grant_type')
    if (asked === undefined) throw new Invalid('grant_type is missing')
    if (asked !== grantType) throw new UnsupportedGrantType(`only ${grantType} is supported`)
    const scope = form.one('scope')?.split(' ').filter(Boolean)
    const wish = { audience: form.all('audience'), scope }
    const { token, claims } = await deps.technical.issue(client, wish, question.sender())
    return json({
      access_token: token,
      token_type: 'Bearer',
      expires_in: claims.exp - claims.iat,
      ...(claims.scp.length > 0 ? { scope: claims.scp.join(' ') } : {}),
    })
  }
}

export async function token(server: HttpServer, { log, oauth }: HttpDeps, surface: Surface) {
  serveForm(server, [oauthPaths.token], oauth.token, { surface, log })
}
