import Type from 'typebox'
import type { Clock } from '../../core/clock.ts'
import type { Operations } from '../../core/control.ts'
import { Invalid, NotFound } from '../../core/errors.ts'
import { type Random, randomSecret } from '../../core/random.ts'
import { parser } from '../../core/schema.ts'
import type { Addresses } from '../addresses.ts'
import type { TechnicalTokenLimits } from '../limits.ts'
import type { AppVersion, Registry } from '../registry/index.ts'
import { hashSecret } from '../tokens/index.ts'
import { accessProfiles, permissionsOf, profileOf } from './access.ts'

const Name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' })
const Version = Type.String({ pattern: '^[A-Za-z0-9._+-]{1,64}$' })
const app = { name: Name, host: Type.Optional(Type.String()) }
const version = { ...app, version: Type.Optional(Version) }
const access = {
  access: Type.Enum(accessProfiles as unknown as (typeof accessProfiles)[number][]),
  permissions: Type.Optional(Type.Array(Type.String())),
}
const strict = { additionalProperties: false }
const params = {
  none: parser(Type.Object({}, strict)),
  add: parser(Type.Object({ ...app, version: Version, ...access }, strict)),
  access: parser(Type.Object({ ...version, ...access }, strict)),
  rotate: parser(Type.Object({ ...version, atOnce: Type.Optional(Type.Boolean()) }, strict)),
  version: parser(Type.Object(version, strict)),
  use: parser(Type.Object({ ...app, tenant: Type.String() }, strict)),
}

export interface AppOperationsDeps {
  registry: Registry
  addresses: Addresses
  clock: Clock
  random: Random
}

/** Apps of tenants, and what other tenants let them do. A host may be left out where it is not in doubt. */
export function appOperations(deps: AppOperationsDeps, limits: TechnicalTokenLimits): Operations {
  const apps = findApps(deps.registry)
  return { ...credentials(deps, limits, apps), ...subscriptions(deps, apps) }
}

type Apps = ReturnType<typeof findApps>

function findApps(registry: Registry) {
  /** Throws `NotFound`, and `Invalid` where several hosts have one of the name. */
  async function versions(name: string, host: string | undefined): Promise<[AppVersion, ...AppVersion[]]> {
    const all = await registry.call('appVersions')
    const [first, ...rest] = all.filter((one) => one.app === name && (host ?? one.host) === one.host)
    if (!first) throw new NotFound(`there is no app ${name}${host === undefined ? '' : ` of tenant ${host}`}`)
    if (rest.some((one) => one.host !== first.host))
      throw new Invalid(`several tenants have an app ${name}`, { cure: 'Name its host.' })
    return [first, ...rest]
  }
  return {
    versions,
    async version(name: string, host: string | undefined, asked: string | undefined): Promise<AppVersion> {
      const known = await versions(name, host)
      const names = known.map((one) => one.version).join(', ')
      if (asked === undefined && known.length > 1)
        throw new Invalid('the app has several versions', { cure: `Name one of ${names}.` })
      const found = known.find((one) => (asked ?? one.version) === one.version)
      if (!found) throw new NotFound(`there is no version ${asked}; there are ${names}`)
      return found
    },
    async host(given: string | undefined): Promise<string> {
      if (given !== undefined) return given
      const [only, another] = await registry.call('tenants')
      if (!only) throw new Invalid('the hub has no tenant', { cure: 'Run "edgeward hub init".' })
      if (another) throw new Invalid('the hub has several tenants', { cure: 'Name the host of the app.' })
      return only.name
    },
  }
}

function credentials(
  { registry, addresses, clock, random }: AppOperationsDeps,
  { secretOverlapMs }: TechnicalTokenLimits,
  apps: Apps,
): Operations {
  const freshSecret = () => {
    const secret = randomSecret(random)
    return { secret, stored: { id: random.uuid(), secretHash: hashSecret(secret) } }
  }
  /** The only time that the secret is seen. */
  const shown = ({ host, app, version, clientId }: Omit<AppVersion, 'permissions' | 'createdAt'>) => ({
    ...{ app, version, host, client_id: clientId },
  })
  return {
    async 'app.add'(given) {
      const { name, version, host, access, permissions = [] } = params.add(given, 'app.add')
      const added: AppVersion = {
        ...{ host: await apps.host(host), app: name, version, clientId: random.uuid() },
        permissions: [...permissionsOf(access, permissions)],
        createdAt: clock.now(),
      }
      const { secret, stored } = freshSecret()
      await registry.call('addAppVersion', added, stored)
      return { ...shown(added), client_secret: secret, url: addresses.base() }
    },
    async 'app.rotateSecret'(given) {
      const { name, version: asked, host, atOnce } = params.rotate(given, 'app.rotateSecret')
      const version = await apps.version(name, host, asked)
      const { secret, stored } = freshSecret()
      const now = clock.now()
      const oldEndsAt = atOnce ? now : now + secretOverlapMs
      await registry.call('renewAppSecret', version.clientId, stored, oldEndsAt, now)
      const oldEnds = new Date(oldEndsAt).toISOString()
      return { ...shown(version), client_secret: secret, url: addresses.base(), old_secret_ends: oldEnds }
    },
    async 'app.setAccess'(given) {
      const { name, version: asked, host, access, permissions = [] } = params.access(given, 'app.setAccess')
      const version = await apps.version(name, host, asked)
      await registry.call('setAppPermissions', version.clientId, permissionsOf(access, permissions))
      return shown(version)
    },
    async 'app.remove'(given) {
      const { name, version, host } = params.version(given, 'app.remove')
      const gone =
        version === undefined ? await apps.versions(name, host) : [await apps.version(name, host, version)]
      await registry.call(
        'removeAppVersions',
        gone.map(({ clientId }) => clientId),
      )
      return { app: name, versions: gone.map((one) => one.version) }
    },
    async 'app.list'(given) {
      params.none(given ?? {}, 'app.list')
      const [versions, subscriptions] = await Promise.all([
        registry.call('appVersions'),
        registry.call('appSubscriptions'),
      ])
      return versions.map((version) => ({
        ...shown(version),
        access: profileOf(version.permissions),
        permissions: version.permissions,
        tenants: subscriptions
          .filter(({ host, app }) => host === version.host && app === version.app)
          .map(({ tenant, consent }) => ({ tenant, consented: consent?.permissions ?? null })),
      }))
    },
  }
}

function subscriptions({ registry, clock, random }: AppOperationsDeps, apps: Apps): Operations {
  const read = async (given: unknown, operation: string) => {
    const { name, host, tenant } = params.use(given, operation)
    const [version] = await apps.versions(name, host)
    return { host: version.host, app: name, tenant }
  }
  return {
    async 'app.subscribe'(given) {
      const use = await read(given, 'app.subscribe')
      await registry.call('subscribe', use, clock.now())
      return use
    },
    async 'app.unsubscribe'(given) {
      const use = await read(given, 'app.unsubscribe')
      await registry.call('unsubscribe', use)
      return use
    },
    async 'app.consent'(given) {
      const use = await read(given, 'app.consent')
      const { permissions } = await registry.call('consent', use, random.uuid())
      return { ...use, permissions }
    },
    async 'app.revokeConsent'(given) {
      const use = await read(given, 'app.revokeConsent')
      await registry.call('revokeConsent', use)
      return use
    },
  }
}
