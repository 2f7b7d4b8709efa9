import Type from 'typebox'
import type { Operations } from '../../core/control.ts'
import { parser } from '../../core/schema.ts'
import type { AppVersion } from '../store/index.ts'
import type { Apps } from './apps.ts'
import { refuseUnknownGrants } from './grants.ts'
import { readPublicKeys } from './public-keys.ts'

const Name = Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' })
const Version = Type.String({ pattern: '^[A-Za-z0-9._+-]{1,64}$' })
/** A JWK or a JWK set: the app then signs assertions instead of showing a secret. */
const Jwks = Type.Object({}, { additionalProperties: true })
const strict = { additionalProperties: false }

const parseAdd = parser(Type.Object({ name: Name, version: Version, jwks: Type.Optional(Jwks) }, strict))
const parseOne = parser(Type.Object({ name: Name, version: Type.Optional(Version) }, strict))
const parseRenew = parser(
  Type.Object({ name: Name, version: Type.Optional(Version), jwks: Type.Optional(Jwks) }, strict),
)
const parseGrants = parser(Type.Object({ name: Name, grants: Type.Array(Type.String()) }, strict))
const parseNothing = parser(Type.Object({}, strict))

/** A secret is in the answer that made it, and never again. */
export function appOperations(apps: Apps): Operations {
  const said = (secret: string | undefined) => (secret === undefined ? {} : { client_secret: secret })
  const keysIn = (jwks: object | undefined) => (jwks === undefined ? undefined : readPublicKeys(jwks))
  return {
    'app.add': async (params) => {
      const { name, version, jwks } = parseAdd(params, 'app.add')
      return { client_id: name, ...said(await apps.add(name, version, await keysIn(jwks))) }
    },
    'app.list': async (params) => {
      parseNothing(params ?? {}, 'app.list')
      return apps.list().map(({ clientId, grants, versions }) => ({
        client_id: clientId,
        grants,
        versions: versions.map(shown),
      }))
    },
    'app.rotateSecret': async (params) => {
      const { name, version: asked, jwks } = parseRenew(params, 'app.rotateSecret')
      const { version, secret } = await apps.renew(name, asked, await keysIn(jwks))
      return { client_id: name, version, ...said(secret) }
    },
    'app.setGrants': async (params) => {
      const { name, grants } = parseGrants(params, 'app.setGrants')
      refuseUnknownGrants(grants)
      await apps.setGrants(name, grants)
    },
    'app.remove': async (params) => {
      const { name, version } = parseOne(params, 'app.remove')
      await apps.remove(name, version)
    },
  }
}

const shown = ({ version, createdAt, keys }: AppVersion) => ({
  version,
  createdAt,
  credential: keys === null ? 'secret' : 'keys',
})
