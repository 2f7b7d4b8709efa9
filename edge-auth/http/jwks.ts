import type { HttpServer } from '../../core/http-server.ts'
import type { HttpDeps } from './deps.ts'
import { oauthPaths } from './oauth-paths.ts'

export async function jwks(server: HttpServer, { keys }: HttpDeps): Promise<void> {
  server.get(oauthPaths.jwks, { config: { access: 'anyone' } }, async () => keys.jwks)
}
