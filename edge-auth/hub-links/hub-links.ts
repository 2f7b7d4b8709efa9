import { Invalid, NotFound } from '../../core/errors.ts'
import type { Apps } from '../apps/apps.ts'
import type { Audit } from '../audit/audit.ts'
import type { HubLink, Store } from '../store/index.ts'

/** Which versions of apps are apps of the hub too. A link ends with its version. */
export interface HubLinks {
  find(clientId: string, version: string): HubLink | undefined
  /** The hub's client id, not ours. */
  byHubClientId(hubClientId: string): HubLink | undefined
  /** Takes the place of the link there was. The version may be left out when there is only one. */
  link(clientId: string, version: string | undefined, hub: HubCredential): Promise<HubLink>
  /** Throws `NotFound` where there is no link. */
  unlink(clientId: string, version: string | undefined): Promise<HubLink>
}

export type HubCredential = Pick<HubLink, 'hubClientId' | 'hubSecret'>

export interface HubLinksDeps {
  store: Store
  apps: Apps
  audit: Audit
}

export function createHubLinks({ store, apps, audit }: HubLinksDeps): HubLinks {
  const keyOf = (clientId: string, version: string): string => JSON.stringify([clientId, version])
  const links = new Map(store.contents.hubLinks.map((link) => [keyOf(link.clientId, link.version), link]))
  const hasVersion = ({ clientId, version }: HubLink): boolean =>
    apps.find(clientId)?.versions.some((known) => known.version === version) ?? false

  // On disk it has gone with the version.
  apps.onChange((clientId) => {
    for (const [key, link] of links) if (link.clientId === clientId && !hasVersion(link)) links.delete(key)
  })

  const versionOf = (clientId: string, asked: string | undefined): string => {
    const versions = apps.find(clientId)?.versions.map(({ version }) => version) ?? []
    if (versions.length === 0) throw new NotFound(`there is no app ${clientId}`)
    const names = versions.join(', ')
    if (asked === undefined && versions.length > 1)
      throw new Invalid('the app has several versions', { cure: `Name one of ${names}.` })
    const found = versions.find((version) => asked === undefined || version === asked)
    if (found === undefined) throw new NotFound(`there is no version ${asked}; there are ${names}`)
    return found
  }

  return {
    find: (clientId, version) => links.get(keyOf(clientId, version)),
    byHubClientId: (hubClientId) => [...links.values()].find((link) => link.hubClientId === hubClientId),
    link: (clientId, asked, hub) =>
      store.change(async (disk) => {
        const link = { clientId, version: versionOf(clientId, asked), ...hub }
        await disk.call('putHubLink', [audit.appLinkChanged(clientId, link.version, hub.hubClientId)], link)
        links.set(keyOf(clientId, link.version), link)
        return link
      }),
    unlink: (clientId, asked) =>
      store.change(async (disk) => {
        const version = versionOf(clientId, asked)
        const link = links.get(keyOf(clientId, version))
        if (!link) throw new NotFound(`version ${version} of ${clientId} is not linked to the hub`)
        await disk.call('removeHubLink', [audit.appLinkChanged(clientId, version, null)], clientId, version)
        links.delete(keyOf(clientId, version))
        return link
      }),
  }
}
