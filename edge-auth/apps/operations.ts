import Type from 'typebox'
import type { Caller, Operations } from '../../core/control.ts'
import { Conflict } from '../../core/errors.ts'
import { parser } from '../../core/schema.ts'
import type { Authority } from '../permissions/authority.ts'
import type { Act } from '../permissions/index.ts'
import type { AppVersion } from '../store/index.ts'
import { scopesOf } from './access.ts'
import type { Apps, ListedApp } from './apps.ts'
import { refuseUnknownGrants } from './grants.ts'
import type { AppHealth } from './health.ts'
import { readPublicKeys } from './public-keys.ts'
import { changeOf, settingsSchema } from './settings.ts'
import { readUnitLog } from './unit-log.ts'

export const AppName = Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' })
export const AppVersionName = Type.String({ pattern: '^[A-Za-z0-9._+-]{1,64}$' })
/** A JWK or a JWK set: the app then signs assertions instead of showing a secret. */
export const Jwks = Type.Object({}, { additionalProperties: true })
/** How long a secret stays good beside the new one. */
export const OverlapMs = Type.Integer({ minimum: 0, maximum: 30 * 86_400_000 })
const strict = { additionalProperties: false }
const IfRevision = Type.Optional(Type.Integer({ minimum: 0 }))

const parseAdd = parser(
  Type.Object(
    {
      name: AppName,
      version: AppVersionName,
      jwks: Type.Optional(Jwks),
      onlyNew: Type.Optional(Type.Boolean({ description: 'Not when there is such an app.' })),
    },
    strict,
  ),
)
const parseRemove = parser(
  Type.Object({ name: AppName, version: Type.Optional(AppVersionName), ifRevision: IfRevision }, strict),
)
const parseName = parser(Type.Object({ name: AppName }, strict))
const parseRenew = parser(
  Type.Object(
    {
      name: AppName,
      version: Type.Optional(AppVersionName),
      jwks: Type.Optional(Jwks),
      overlapMs: Type.Optional(OverlapMs),
    },
    strict,
  ),
)
const parseChange = parser(
  Type.Object({ name: AppName, ...settingsSchema.properties, ifRevision: IfRevision }, strict),
)
const parseGrants = parser(Type.Object({ name: AppName, grants: Type.Array(Type.String()) }, strict))
const parseNothing = parser(Type.Object({}, strict))

export interface AppOperationsDeps {
  apps: Apps
  authority: Pick<Authority, 'demand' | 'may' | 'refuse'>
  health: AppHealth
}

const need = (act: Act) => ({ category: 'Applications', act }) as const
const isOwn = ({ user }: Caller, app: ListedApp | undefined): boolean =>
  user !== undefined && app?.owner === user

/** A secret is in the answer that made it, and never again. */
export function appOperations({ apps, authority, health }: AppOperationsDeps): Operations {
  const said = (secret: string | undefined) => (secret === undefined ? {} : { client_secret: secret })
  const keysIn = (jwks: object | undefined) => (jwks === undefined ? undefined : readPublicKeys(jwks))
  const mayDo = (caller: Caller, act: Act, own: boolean) => (app: ListedApp | undefined) =>
    authority.demand(caller, need(act), own && isOwn(caller, app))

  return {
    'app.add': async (params, caller) => {
      const { name, version, jwks, onlyNew = false } = parseAdd(params, 'app.add')
      const allowed = (app: ListedApp | undefined) => {
        if (app && !onlyNew) return mayDo(caller, 'update', true)(app)
        authority.demand(caller, need('create'))
        if (app) throw new Conflict(`there is an app ${name} already`)
      }
      const options = { keys: await keysIn(jwks), owner: caller.user, allowed }
      return { client_id: name, ...said(await apps.add(name, version, options)) }
    },
    'app.list': async (params, caller) => {
      parseNothing(params ?? {}, 'app.list')
      const all = authority.may(caller, need('read'))
      if (!all) authority.demand(caller, need('read'), caller.user !== undefined)
      return apps
        .list()
        .filter((app) => all || isOwn(caller, app))
        .map(shown)
    },
    'app.show': async (params, caller) => {
      const app = named(apps, parseName(params, 'app.show').name, mayDo(caller, 'read', true))
      return { ...shown(app), health: health.of(app.clientId) }
    },
    'app.change': async (params, caller) => {
      const { name, ifRevision, ...asked } = parseChange(params, 'app.change')
      const edit = changeOf(asked, caller, authority)
      const app = await apps.change(name, edit, ifRevision)
      return authority.may(caller, need('read'), isOwn(caller, app)) ? shown(app) : { revision: app.revision }
    },
    'app.log': async (params, caller) => {
      const { unit } = named(apps, parseName(params, 'app.log').name, mayDo(caller, 'read', true))
      return { unit, lines: unit === null ? [] : await readUnitLog(unit) }
    },
    'app.rotateSecret': async (params, caller) => {
      const { name, version: asked, jwks, overlapMs = 0 } = parseRenew(params, 'app.rotateSecret')
      const options = { keys: await keysIn(jwks), overlapMs, allowed: mayDo(caller, 'update', true) }
      const { version, secret } = await apps.renew(name, asked, options)
      return { client_id: name, version, ...said(secret) }
    },
    'app.setGrants': async (params, caller) => {
      const { name, grants } = parseGrants(params, 'app.setGrants')
      refuseUnknownGrants(grants)
      await apps.setGrants(name, grants, mayDo(caller, 'update', false))
    },
    'app.remove': async (params, caller) => {
      const { name, version, ifRevision } = parseRemove(params, 'app.remove')
      await apps.remove(name, version, { ifRevision, allowed: mayDo(caller, 'delete', true) })
    },
  }
}

/** Who may not see an app is not told whether there is one. */
function named(apps: Apps, name: string, allowed: (app: ListedApp | undefined) => void): ListedApp {
  const app = apps.find(name)
  allowed(app)
  return app ?? apps.get(name)
}

const shown = ({ clientId, versions, ...app }: ListedApp) => ({
  client_id: clientId,
  ...app,
  scopes: scopesOf(app),
  versions: versions.map(shownVersion),
})

const shownVersion = ({ version, createdAt, keys, previous }: AppVersion) => ({
  version,
  createdAt,
  credential: keys === null ? 'secret' : 'keys',
  ...(previous ? { overlap: true } : {}),
})
