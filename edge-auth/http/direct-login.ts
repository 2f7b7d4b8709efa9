import Type from 'typebox'
import { EdgeError, Forbidden } from '../../core/errors.ts'
import type { HttpServer } from '../../core/http-server.ts'
import type { HttpDeps } from './deps.ts'
import { senderOf } from './request.ts'
import { allowOnly, type Surface } from './route.ts'

const Credentials = Type.Object({
  username: Type.String(),
  password: Type.String(),
  totp: Type.Optional(Type.String({ maxLength: 128 })),
})

class SignInRefused extends EdgeError {
  override readonly name = 'SignInRefused'
  readonly code = 'sign_in_refused'
  override readonly statusCode = 401
}

const path = '/device/edge/api/v1/login/direct'

/** A token in the body, for scripts. */
export async function directLogin(
  server: HttpServer,
  { signIn, loginModes }: HttpDeps,
  surface: Surface,
): Promise<void> {
  server.removeContentTypeParser('text/plain')
  allowOnly(server, 'POST', path)
  server.post(path, { config: { access: 'anyone' }, schema: { body: Credentials } }, async (request) => {
    if (loginModes.mode === 'SSO') throw new Forbidden('people sign in by single sign-on only', 'sso_only')
    const { username, password, totp } = request.body
    const sender = senderOf(request, surface)
    const signedIn = await signIn({ username, password, totp, method: 'direct', sender })
    if (!signedIn) throw new SignInRefused('user name or password is wrong')
    return { access_token: signedIn.token, token_type: 'Bearer', expires_in: signedIn.expiresIn }
  })
}
