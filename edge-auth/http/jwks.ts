import type { HttpServer } from '../../core/http-server.ts'
import type { HttpDeps } from './route.ts'

export async function jwks(server: HttpServer, { tokens }: HttpDeps): Promise<void> {
  server.get('/device/edge/auth/oauth2/jwks', { config: { access: 'anyone' } }, async () => tokens.jwks)
}
