import type { Random } from '../../core/random.ts'
import type { Client } from '../apps/apps.ts'
import type { AuthenticateClient } from '../apps/client.ts'
import { InvalidClient } from '../apps/client-errors.ts'
import type { Audit } from '../audit/audit.ts'
import { issuer } from '../tokens/claims.ts'
import type { Question } from './form-endpoint.ts'
import type { OauthForm } from './oauth-form.ts'
import { introspectPaths, oauthPaths } from './oauth-paths.ts'

/** The app that asks; undefined when the request carries no credentials. Throws `InvalidClient`, audited. */
export type AskingClient = (question: Question, form: OauthForm) => ReturnType<AuthenticateClient>

const endpoints = [oauthPaths.token, oauthPaths.revoke, ...introspectPaths]

export interface AskingClientDeps {
  authenticateClient: AuthenticateClient
  audit: Audit
  random: Random
}

export function createAskingClient({ authenticateClient, audit, random }: AskingClientDeps): AskingClient {
  return (question, form) => {
    const refuse = (error: unknown): never => {
      if (!(error instanceof InvalidClient)) throw error
      const { reason, claimed: clientId } = error
      audit.clientRefused({ reason, clientId, requestId: random.uuid(), ...question.sender() })
      throw error
    }
    try {
      const client = authenticateClient({
        authorization: question.authorization,
        field: form.one,
        audiences: () => audiencesAt(question.origin()),
      })
      return client instanceof Promise ? client.catch(refuse) : client
    } catch (error) {
      return refuse(error)
    }
  }
}

/** Our name, or the address of an endpoint as the client sees it. */
const audiencesAt = (origin: string | undefined): string[] =>
  origin === undefined ? [issuer] : [issuer, ...endpoints.map((path) => origin + path)]

/** For an endpoint where nothing is done for nobody. */
export async function requireClient(client: ReturnType<AskingClient>): Promise<Client> {
  const known = await client
  if (!known) throw new InvalidClient('no_credentials')
  return known
}
