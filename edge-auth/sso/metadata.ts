import type { ServerMetadata } from 'openid-client'
import Type from 'typebox'
import type { Clock } from '../../core/clock.ts'
import { parseJson, parser } from '../../core/schema.ts'
import { type AskProvider, ProviderMisbehaves } from './fetch.ts'
import { createKept } from './kept.ts'
import { algorithms, type ProviderSettings } from './provider.ts'

const Url = Type.String({ pattern: '^https?://' })
const parseMetadata = parser(
  Type.Object({
    issuer: Type.String(),
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Type.Optional(Url),
    userinfo_endpoint: Type.Optional(Url),
    introspection_endpoint: Type.Optional(Url),
    end_session_endpoint: Type.Optional(Url),
    authorization_response_iss_parameter_supported: Type.Optional(Type.Boolean()),
    token_endpoint_auth_methods_supported: Type.Optional(Type.Array(Type.String())),
  }),
)

/**
 * Where a provider is asked what; as published by it, or as written by hand. Somebody is sent there only when
 * it has answered just now, as far as can be known.
 */
export type Metadata = (settings: ProviderSettings, use?: 'to send somebody') => Promise<ServerMetadata>

const goodForMs = 3_600_000
const justNowMs = 10_000
const maxBytesOfName = 200

export interface MetadataDeps {
  askProvider: AskProvider
  clock: Pick<Clock, 'monotonic'>
}

/** Kept for an hour; longer, for what needs no answer, while the provider cannot be reached. Throws as `AskProvider` does, `Invalid`. */
export function createMetadata({ askProvider, clock }: MetadataDeps): Metadata {
  const kept = createKept<ServerMetadata>(clock)

  const read = async (settings: ProviderSettings): Promise<ServerMetadata> => {
    const url =
      settings.metadataUrl ?? `${settings.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
    const answer = await askProvider(settings)(url, {
      ...{ method: 'GET', headers: { accept: 'application/json' }, body: undefined, redirect: 'manual' },
    })
    if (answer.status !== 200)
      throw new ProviderMisbehaves(`${url} answers ${answer.status} where metadata was expected`)
    const published = parseMetadata(parseJson(await answer.text(), url), url)
    if (published.issuer !== settings.issuer) {
      const said = published.issuer.slice(0, maxBytesOfName)
      throw new ProviderMisbehaves(`${url} is of the issuer ${said}, not of ${settings.issuer}`)
    }
    refuseClearText(published, settings)
    return { ...(published as ServerMetadata), id_token_signing_alg_values_supported: [...algorithms] }
  }

  return async (settings, use) => {
    if (settings.endpoints) return byHand(settings, settings.endpoints)
    const age = use ? { maxMs: justNowMs, orOlder: false } : { maxMs: goodForMs, orOlder: true }
    return kept.get(settings, age, () => read(settings))
  }
}

function byHand({ issuer }: ProviderSettings, endpoints: NonNullable<ProviderSettings['endpoints']>) {
  const { authorization, token, jwks, userinfo, introspection, endSession } = endpoints
  return {
    ...{ issuer, authorization_endpoint: authorization, token_endpoint: token },
    ...(jwks === undefined ? {} : { jwks_uri: jwks }),
    ...(userinfo === undefined ? {} : { userinfo_endpoint: userinfo }),
    ...(introspection === undefined ? {} : { introspection_endpoint: introspection }),
    ...(endSession === undefined ? {} : { end_session_endpoint: endSession }),
    id_token_signing_alg_values_supported: [...algorithms],
  } as ServerMetadata
}

/** Browsers are sent there too, with what must not be read on the way. */
export function refuseClearText(
  metadata: object,
  { onThisMachine }: Pick<ProviderSettings, 'onThisMachine'>,
): void {
  if (onThisMachine) return
  for (const [name, value] of Object.entries(metadata))
    if (/_(endpoint|uri)$/.test(name) && typeof value === 'string' && !value.startsWith('https://'))
      throw new ProviderMisbehaves(`${name} of the provider is not https`)
}
