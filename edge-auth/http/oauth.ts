import type { Clock } from '../../core/clock.ts'
import type { AuthenticateClient } from '../apps/client.ts'
import { createIntrospection, type IntrospectionDeps } from './introspection.ts'
import { type AskingClientDeps, createAskingClient } from './oauth-client.ts'
import type { Oauth } from './oauth-endpoints.ts'
import { createRateLimit, type Rate } from './rate.ts'
import { createRevocation, type RevocationDeps } from './revoke.ts'
import { createTokenEndpoint } from './token.ts'

export type OauthDeps = Omit<
  IntrospectionDeps & RevocationDeps & AskingClientDeps,
  'askingClient' | 'openRate'
> & {
  authenticateClient: AuthenticateClient
  clock: Clock
}

/** `openRate` is for who shows no client credentials, by address. */
export function createOauth(deps: OauthDeps, { openRate }: { openRate: readonly Rate[] }): Oauth {
  const all = {
    ...deps,
    askingClient: createAskingClient(deps),
    openRate: createRateLimit(openRate, deps.clock),
  }
  return {
    introspect: {
      open: createIntrospection(all, { open: true }),
      closed: createIntrospection(all, { open: false }),
    },
    token: createTokenEndpoint(all),
    revoke: createRevocation(all),
  }
}
