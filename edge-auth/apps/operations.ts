import Type from 'typebox'
import type { Operations } from '../../core/control.ts'
import { parser } from '../../core/schema.ts'
import type { Apps } from './apps.ts'

const Name = Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' })
const Version = Type.String({ pattern: '^[A-Za-z0-9._+-]{1,64}$' })
const strict = { additionalProperties: false }

const parseAdd = parser(Type.Object({ name: Name, version: Version }, strict))
const parseOne = parser(Type.Object({ name: Name, version: Type.Optional(Version) }, strict))
const parseNothing = parser(Type.Object({}, strict))

/** A secret is in the answer that made it, and never again. */
export function appOperations(apps: Apps): Operations {
  return {
    'app.add': async (params) => {
      const { name, version } = parseAdd(params, 'app.add')
      return { client_id: name, client_secret: await apps.add(name, version) }
    },
    'app.list': async (params) => {
      parseNothing(params ?? {}, 'app.list')
      return apps.list().map(({ clientId, versions }) => ({
        client_id: clientId,
        versions: versions.map(({ version, createdAt }) => ({ version, createdAt })),
      }))
    },
    'app.rotateSecret': async (params) => {
      const { name, version: asked } = parseOne(params, 'app.rotateSecret')
      const { version, secret } = await apps.rotateSecret(name, asked)
      return { client_id: name, version, client_secret: secret }
    },
    'app.remove': async (params) => {
      const { name, version } = parseOne(params, 'app.remove')
      await apps.remove(name, version)
    },
  }
}
