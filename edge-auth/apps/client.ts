import { Invalid } from '../../core/errors.ts'
import type { Apps, Client } from './apps.ts'
import type { CheckAssertion } from './assertion.ts'
import { InvalidClient } from './client-errors.ts'
import { createRemembered } from './remembered.ts'

/** Where a request may carry client credentials. */
export interface ClientCredentials {
  authorization: string | undefined
  field(name: string): string | undefined
  /** By which names an assertion may mean us. */
  audiences(): readonly string[]
}

/**
 * Undefined when the request carries none. Throws `InvalidClient`, and `Invalid` for more than one kind; only
 * who signs has to wait, and may be refused by a rejection.
 */
export type AuthenticateClient = (given: ClientCredentials) => Client | undefined | Promise<Client>

export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** RFC 6749 2.3.1 and RFC 7523 2.2: one method at a time. */
export function createAuthenticateClient(apps: Apps, checkAssertion: CheckAssertion): AuthenticateClient {
  const remembered = createRemembered(apps)

  const bySecret = (id: string | undefined, secret: string | undefined): Client => {
    const client = id && secret ? apps.bySecret(id, secret) : undefined
    if (client) return client
    throw new InvalidClient(apps.find(id ?? '') ? 'wrong_secret' : 'unknown_client', id?.slice(0, 64))
  }
  const byBasic = (authorization: string): Client => {
    const known = remembered.get(authorization)
    if (known) return known
    const basic = basicCredentials(authorization)
    const client = bySecret(basic?.clientId, basic?.secret)
    remembered.add(authorization, client)
    return client
  }
  const byAssertion = ({ field, audiences }: ClientCredentials, assertion: string): Promise<Client> => {
    if (field('client_assertion_type') !== assertionType)
      throw new Invalid(`client_assertion_type is not ${assertionType}`)
    return checkAssertion(assertion, audiences())
  }

  return (given) => {
    const { authorization, field } = given
    const [id, secret, assertion] = [field('client_id'), field('client_secret'), field('client_assertion')]
    const basic = authorization !== undefined && isBasic.test(authorization)
    if (Number(basic) + Number(secret !== undefined) + Number(assertion !== undefined) > 1)
      throw new Invalid('client credentials are given twice')
    if (basic) return alsoNamed(id, byBasic(authorization))
    if (assertion !== undefined) return byAssertion(given, assertion).then((client) => alsoNamed(id, client))
    return id === undefined && secret === undefined ? undefined : bySecret(id, secret)
  }
}

/** Beside other credentials the id can only repeat who it is. */
function alsoNamed(id: string | undefined, client: Client): Client {
  if (id === undefined || id === client.app.clientId) return client
  throw new InvalidClient('two_clients', id.slice(0, 64))
}

const isBasic = /^Basic /i

/** What stands in a Basic Authorization header; undefined without one. */
export function basicCredentials(
  authorization: string | undefined,
): { clientId: string | undefined; secret: string | undefined } | undefined {
  const basic = /^Basic +(\S+)$/i.exec(authorization ?? '')?.[1]
  if (basic === undefined) return undefined
  const text = Buffer.from(basic, 'base64').toString()
  const colon = text.indexOf(':')
  if (colon < 0) return { clientId: undefined, secret: undefined }
  return { clientId: decodeFormText(text.slice(0, colon)), secret: decodeFormText(text.slice(colon + 1)) }
}

/** RFC 6749: both halves are form-encoded before they are joined. */
function decodeFormText(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
