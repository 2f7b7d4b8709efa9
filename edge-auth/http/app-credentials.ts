import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Apps } from '../apps/apps.ts'
import { basicCredentials } from '../apps/client.ts'
import { InvalidClient } from '../apps/client-errors.ts'

export function refuseClient(reply: FastifyReply): never {
  reply.header('www-authenticate', basicChallenge)
  throw new InvalidClient('wrong_secret')
}

export const basicChallenge = 'Basic realm="edgeward"'

/** The app that a request's Authorization header proves; undefined when it proves none. */
export function callingApp(apps: Apps, { headers }: FastifyRequest): string | undefined {
  const { clientId, secret } = basicCredentials(headers.authorization) ?? {}
  if (clientId === undefined || secret === undefined) return undefined
  return apps.authenticate(clientId, secret) ? clientId : undefined
}
