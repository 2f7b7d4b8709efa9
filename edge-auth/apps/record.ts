import type { JWK } from 'jose'
import { Invalid, NotFound, PreconditionFailed } from '../../core/errors.ts'
import type { App, AppVersion } from '../store/index.ts'

export interface ListedApp extends App {
  readonly versions: readonly AppVersion[]
}

/** As it is until somebody decides otherwise: it may do everything that an app can do. */
export const newApp = (clientId: string, now: number, owner: string | undefined): ListedApp => ({
  ...{ clientId, grants: [], access: 'read_write', scopes: [], enabled: true, properties: {} },
  ...{ topics: { publish: [], subscribe: [] }, quota: { messages: null, bytes: null }, unit: null },
  ...{ owner: owner ?? null, createdAt: now, revision: 0, versions: [] },
})

export function refuseOverlap({ secretHash }: AppVersion, keys: JWK[] | undefined): void {
  if (secretHash === null || keys !== undefined)
    throw new Invalid('only a secret can stay good beside a new secret', {
      cure: 'A set of keys may hold the old and the new key for as long as both are to be good.',
    })
}

export function refuseChanged({ revision }: App, ifRevision: number | undefined): void {
  if (ifRevision !== undefined && ifRevision !== revision)
    throw new PreconditionFailed('the app was changed meanwhile')
}

export function pick(versions: readonly AppVersion[], asked: string | undefined): AppVersion {
  const names = versions.map(({ version }) => version).join(', ')
  if (asked === undefined && versions.length > 1)
    throw new Invalid('the app has several versions', { cure: `Name one of ${names}.` })
  const found = versions.find(({ version }) => asked === undefined || version === asked)
  if (!found) throw new NotFound(`there is no version ${asked}; there are ${names}`)
  return found
}
