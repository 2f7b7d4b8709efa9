import type { CustomFetch } from 'openid-client'
import { EdgeError } from '../../core/errors.ts'
import type { Http, HttpRequest } from '../../core/net/index.ts'
import type { AdmitAddresses } from './addresses.ts'
import type { ProviderSettings } from './provider.ts'

/** What an identity provider is asked with, and what an address of it may be. */
export type Trusted = Pick<ProviderSettings, 'ca' | 'onThisMachine'>

/** The provider sends elsewhere, in clear text, or what it must not. */
export class ProviderMisbehaves extends EdgeError {
  override readonly name = 'ProviderMisbehaves'
  readonly code = 'provider_misbehaves'
  override readonly statusCode = 502
  override readonly exitCode = 5
}

const timeoutMs = 2_500
const maxBytes = 1024 * 1024

export interface AskProviderDeps {
  http: Http
  admit: AdmitAddresses
}

/**
 * The only way to an identity provider: over TLS, to addresses that may be one, within 2.5 s, up to 1 MiB, no
 * redirect followed, nothing decompressed. Throws `Unreachable`, `AddressRefused`, `ProviderMisbehaves`.
 */
export type AskProvider = (trusted: Trusted) => CustomFetch

export function createAskProvider({ http, admit }: AskProviderDeps): AskProvider {
  return ({ ca, onThisMachine }) =>
    async (url, { method, headers, body, signal }) => {
      if (!onThisMachine && new URL(url).protocol !== 'https:')
        throw new ProviderMisbehaves(`${new URL(url).origin} is not asked in clear text`)
      const answer = await http({
        ...{ url, method: method as HttpRequest['method'], headers: plain(headers), timeoutMs, maxBytes },
        ...(ca === undefined ? {} : { ca }),
        ...(body === undefined || body === null ? {} : { body: bodyOf(body) }),
        ...(signal ? { signal } : {}),
        admit: (addresses) => admit(addresses, onThisMachine),
      })
      if (answer.status >= 300 && answer.status < 400)
        throw new ProviderMisbehaves(
          `${new URL(url).origin} answers ${answer.status}: redirects are not followed`,
        )
      const empty = answer.status === 204 || answer.status === 205
      return new Response(empty ? null : new Uint8Array(answer.body), {
        status: answer.status,
        headers: pairs(answer.headers),
      })
    }
}

const plain = (headers: Record<string, string> | Headers | undefined): Record<string, string> => ({
  ...Object.fromEntries(new Headers(headers)),
  'accept-encoding': 'identity',
})

const bodyOf = (body: unknown): string | Uint8Array =>
  body instanceof Uint8Array ? body : body instanceof ArrayBuffer ? new Uint8Array(body) : String(body)

const pairs = (headers: NodeJS.Dict<string | string[]>): [string, string][] =>
  Object.entries(headers).flatMap(([name, values]) =>
    [values ?? []].flat().map((value): [string, string] => [name, value]),
  )
