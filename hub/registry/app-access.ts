import { Conflict, Forbidden, Invalid, NotFound } from '../../core/errors.ts'
import type { AppSubscription, AppUse, Consent } from './app-subscriptions.ts'
import type { AppName, AppSecret, AppVersion } from './apps.ts'
import type { Tables } from './tables.ts'

/** What a version of an app may do in a tenant now, and what a token that says so rests on. */
export interface AppGrant {
  version: AppVersion
  permissions: string[]
  consentId: string
}

/** The host's own data need nobody's consent. */
const ownConsent = 'own'

/** Apps, their versions, and what tenants have agreed to. */
export function appAccess({ tenants, apps, appSecrets, subscriptions }: Tables) {
  const refuseUnknownTenant = (tenant: string) => {
    if (!tenants.all().some(({ name }) => name === tenant)) throw new NotFound(`no tenant ${tenant}`)
  }
  const versionsOf = ({ host, app }: AppName): AppVersion[] => {
    const versions = apps.all().filter((one) => one.host === host && one.app === app)
    if (versions.length === 0) throw new NotFound(`tenant ${host} has no app ${app}`)
    return versions
  }
  const version = (clientId: string): AppVersion => {
    const found = apps.find(clientId)
    if (!found) throw new NotFound('the app was removed')
    return found
  }
  const subscription = (use: AppUse): AppSubscription => {
    const found = subscriptions.find(use)
    if (!found) throw new NotFound(`tenant ${use.tenant} has not subscribed to the app ${use.app}`)
    return found
  }

  return {
    /** Throws `Conflict` when there is that version. */
    addAppVersion(added: AppVersion, secret: AppSecret): void {
      refuseUnknownTenant(added.host)
      if (!apps.add(added)) throw new Conflict(`there is a version ${added.version} of ${added.app} already`)
      appSecrets.add(added.clientId, secret, added.createdAt, added.createdAt)
    },
    appVersions: (): AppVersion[] => apps.all(),
    appSubscriptions: (): AppSubscription[] => subscriptions.all(),
    renewAppSecret(clientId: string, secret: AppSecret, oldEndsAt: number, now: number): void {
      version(clientId)
      appSecrets.add(clientId, secret, oldEndsAt, now)
    },
    setAppPermissions(clientId: string, permissions: readonly string[]): void {
      version(clientId)
      apps.setPermissions(clientId, permissions)
    },
    removeAppVersions(clientIds: readonly string[]): void {
      for (const clientId of clientIds) apps.remove(clientId)
    },
    /** Throws `Conflict` when the tenant has subscribed. */
    subscribe(use: AppUse, now: number): void {
      refuseUnknownTenant(use.tenant)
      versionsOf(use)
      if (use.tenant === use.host) throw new Invalid('the host of an app needs no subscription to it')
      if (!subscriptions.add(use, now))
        throw new Conflict(`tenant ${use.tenant} has subscribed to the app ${use.app} already`)
    },
    unsubscribe(use: AppUse): void {
      subscription(use)
      subscriptions.remove(use)
    },
    /** To all that the versions of the app ask for now. */
    consent(use: AppUse, consentId: string): Consent {
      subscription(use)
      const permissions = [...new Set(versionsOf(use).flatMap((one) => one.permissions))].sort()
      const consent = { id: consentId, permissions }
      subscriptions.setConsent(use, consent)
      return consent
    },
    revokeConsent(use: AppUse): void {
      if (!subscription(use).consent)
        throw new Conflict(`tenant ${use.tenant} has not consented to the app ${use.app}`)
      subscriptions.setConsent(use, undefined)
    },
    /** Undefined for a client id that is not known. */
    appCredentials(clientId: string, now: number): { version: AppVersion; secrets: AppSecret[] } | undefined {
      const found = apps.find(clientId)
      return found && { version: found, secrets: appSecrets.inForce(clientId, now) }
    },
    /** Throws `NotFound` for no such tenant, and `Forbidden` for one that has not let the app in. */
    appGrant(clientId: string, tenant: string): AppGrant {
      const { host, app, permissions } = version(clientId)
      refuseUnknownTenant(tenant)
      if (tenant === host) return { version: version(clientId), permissions, consentId: ownConsent }
      const consent = subscriptions.find({ host, app, tenant })?.consent
      if (!consent)
        throw new Forbidden(`tenant ${tenant} has not subscribed to the app ${app} and consented to it`)
      return {
        version: version(clientId),
        permissions: permissions.filter((one) => consent.permissions.includes(one)),
        consentId: consent.id,
      }
    },
    userTenantPage: (app: AppName, page: number, size: number) => subscriptions.tenantPage(app, page, size),
  }
}
