import type { FastifyReply, FastifyRequest } from 'fastify'
import { EdgeError } from '../../core/errors.ts'
import { basicCredentials } from '../apps/client.ts'
import { InvalidClient } from '../apps/client-errors.ts'
import { isForThisBox } from '../apps/technical-tokens.ts'
import { basicChallenge, bearerChallenge } from './challenges.ts'
import type { HttpDeps } from './deps.ts'

/** RFC 6750 3.1. */
class InvalidToken extends EdgeError {
  override readonly name = 'InvalidToken'
  readonly code = 'invalid_token'
  override readonly statusCode = 401
}

export type CallingAppDeps = Pick<HttpDeps, 'apps' | 'tokens' | 'technical'>

/** An app that has shown who it is. */
export interface CallingApp {
  readonly clientId: string
  /** Of the token that it has shown, which may be for less than the app may; a secret is for all of that. */
  readonly scope: readonly string[] | undefined
}

/**
 * The app that a request's Authorization header proves, by the app's secret or by a token of its own for this
 * box. Refuses any other request, saying how one may show who it is.
 */
export async function callingApp(
  deps: CallingAppDeps,
  { headers: { authorization = '' } }: FastifyRequest,
  reply: FastifyReply,
): Promise<CallingApp> {
  const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
  return token === undefined ? bySecret(deps, authorization, reply) : byToken(deps, token, reply)
}

function bySecret({ apps }: CallingAppDeps, authorization: string, reply: FastifyReply): CallingApp {
  const { clientId, secret } = basicCredentials(authorization) ?? {}
  if (clientId !== undefined && secret !== undefined && apps.authenticate(clientId, secret))
    return { clientId, scope: undefined }
  reply.header('www-authenticate', `${basicChallenge}, ${bearerChallenge}`)
  throw new InvalidClient('wrong_secret')
}

async function byToken(
  { tokens, technical }: CallingAppDeps,
  token: string,
  reply: FastifyReply,
): Promise<CallingApp> {
  const read = await tokens.read(token)
  const claims = read?.is === 'technical' && isForThisBox(read.claims) ? read.claims : undefined
  const owner = claims && technical.owner(claims)
  if (owner) return { clientId: owner.app.clientId, scope: claims.scp }
  const why = 'not a token of an app for this box, or good no more'
  reply.header('www-authenticate', `${bearerChallenge}, error="invalid_token", error_description="${why}"`)
  throw new InvalidToken(why)
}
