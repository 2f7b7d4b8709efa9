import { EdgeError, Invalid } from '../../core/errors.ts'
import type { HttpServer } from '../../core/http-server.ts'
import type { Random } from '../../core/random.ts'
import type { TechnicalTokens } from '../apps/technical-tokens.ts'
import type { Identify } from '../sessions/identify.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Tokens } from '../tokens/tokens.ts'
import type { HttpDeps } from './deps.ts'
import { type FormEndpoint, json, serveForm } from './form-endpoint.ts'
import { type AskingClient, requireClient } from './oauth-client.ts'
import { readForm } from './oauth-form.ts'
import { oauthPaths } from './oauth-paths.ts'
import type { Surface } from './route.ts'

/** RFC 7009 2.1. The token itself tells whose it is, so this gives nothing away. */
class NotTheClientsToken extends EdgeError {
  override readonly name = 'NotTheClientsToken'
  readonly code = 'unauthorized_client'
  override readonly statusCode = 400
}

export interface RevocationDeps {
  askingClient: AskingClient
  identify: Identify
  sessions: Sessions
  tokens: Tokens
  technical: TechnicalTokens
  random: Random
}

/**
 * RFC 7009. When it answers, the token is not good any more, on disk. A person's token is issued to every
 * app that is shown it: each may end the session. An app's own token only the app itself may end.
 */
export function createRevocation(deps: RevocationDeps): FormEndpoint {
  const { askingClient, identify, sessions, tokens, technical, random } = deps
  return async (question) => {
    const form = readForm(question.body)
    const { app } = await requireClient(askingClient(question, form))
    const token = form.one('token')
    if (token === undefined) throw new Invalid('token is missing')
    const by = { clientId: app.clientId, requestId: random.uuid(), ...question.sender() }

    const identity = await identify(token)
    if (identity) await sessions.end({ id: identity.session.id }, 'token_revoked', by)
    const read = identity ? undefined : await tokens.read(token)
    if (read?.is === 'technical') {
      if (read.claims.client_id !== app.clientId)
        throw new NotTheClientsToken('the token was issued to another client')
      await technical.revoke(read.claims, by)
    }
    return json({}, { 'x-request-id': by.requestId })
  }
}

export async function revoke(server: HttpServer, { log, oauth }: HttpDeps, surface: Surface) {
  serveForm(server, [oauthPaths.revoke], oauth.revoke, { surface, log })
}
