import { Invalid } from '../../core/errors.ts'
import type { HttpServer } from '../../core/http-server.ts'
import { scopes } from '../apps/access.ts'
import { grants } from '../apps/grants.ts'
import { assertionAlgorithms } from '../apps/public-keys.ts'
import { issuer } from '../tokens/claims.ts'
import type { HttpDeps } from './deps.ts'
import { oauthPaths } from './oauth-paths.ts'
import { originOf } from './origin.ts'
import type { Surface } from './route.ts'
import { grantType } from './token.ts'

const methods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']

/**
 * RFC 8414, but for the issuer: that is a URN, the same on every box, so a client names it itself instead
 * of finding it from an address. The addresses are the ones by which the asker has come.
 */
export async function metadata(server: HttpServer, _deps: HttpDeps, surface: Surface): Promise<void> {
  server.get('/.well-known/oauth-authorization-server', { config: { access: 'anyone' } }, async (request) => {
    const origin = originOf(request, surface)
    if (origin === undefined) throw new Invalid('the Host header is not a host')
    const authenticated = (endpoint: string, path: string) => ({
      [`${endpoint}_endpoint`]: origin + path,
      [`${endpoint}_endpoint_auth_methods_supported`]: methods,
      [`${endpoint}_endpoint_auth_signing_alg_values_supported`]: assertionAlgorithms,
    })
    return {
      issuer,
      ...authenticated('token', oauthPaths.token),
      ...authenticated('introspection', oauthPaths.introspect),
      ...authenticated('revocation', oauthPaths.revoke),
      jwks_uri: origin + oauthPaths.jwks,
      grant_types_supported: [grantType],
      response_types_supported: [],
      scopes_supported: ['openid', ...grants, ...scopes],
    }
  })
}
