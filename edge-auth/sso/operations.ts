import Type, { type Static } from 'typebox'
import type { Caller, Operations } from '../../core/control.ts'
import { Invalid, NotFound } from '../../core/errors.ts'
import { parser } from '../../core/schema.ts'
import type { Authority } from '../permissions/authority.ts'
import type { Act, Need } from '../permissions/index.ts'
import type { SsoLink, Store, User } from '../store/index.ts'
import type { AppGroups } from '../users/app-groups.ts'
import type { Oversight } from '../users/oversight.ts'
import type { Roles } from '../users/roles.ts'
import type { Users } from '../users/users.ts'
import type { Accounts } from './accounts.ts'
import { type Mapping, named } from './mapping.ts'
import type { Metadata } from './metadata.ts'
import { destinations, ProviderSettings, providerName } from './provider.ts'
import type { Provider, Providers } from './providers.ts'
import { defaults, presetOf, Template } from './templates.ts'

const strict = { additionalProperties: false }
const ifRevision = Type.Optional(Type.Integer({ minimum: 0 }))
const { name: _, ...settings } = Type.Partial(ProviderSettings).properties
const { template: __, ...given } = settings

/** What may be given; a template and defaults say the rest. */
export const ProviderBody = Type.Object(
  { ...given, template: Type.Optional(Template), secret: Type.Optional(Type.String({ maxLength: 16_384 })) },
  strict,
)
const parsePut = parser(Type.Object({ name: providerName, ...ProviderBody.properties, ifRevision }, strict))
const parseSettings = parser(ProviderSettings)
const parseName = parser(Type.Object({ name: providerName }, strict))
const parseRemove = parser(Type.Object({ name: providerName, ifRevision }, strict))
const parseNothing = parser(Type.Object({}, strict))
const parseLink = parser(
  Type.Object(
    { provider: providerName, subject: Type.String({ minLength: 1, maxLength: 255 }), user: Type.String() },
    strict,
  ),
)
const parseUnlink = parser(
  Type.Object({ issuer: Type.String(), subject: Type.String({ minLength: 1, maxLength: 255 }) }, strict),
)

export interface SsoOperationsDeps {
  providers: Providers
  accounts: Accounts
  store: Pick<Store, 'ssoLinks'>
  metadata: Metadata
  users: Users
  roles: Pick<Roles, 'refuseUnknown' | 'reachOf'>
  groups: Pick<AppGroups, 'refuseUnknown'>
  authority: Authority
  oversight: Pick<Oversight, 'demandOver'>
}

const need = (act: Act): Need => ({ category: 'SingleSignOn', act })

export function ssoOperations(deps: SsoOperationsDeps): Operations {
  const { providers, accounts, store, metadata, users, roles, groups, authority, oversight } = deps

  /**
   * Who says whom the box believes, says who is who: he must have all that the rules give, and all that those
   * have who are linked to the issuer. Whom the rules let in comes to all apps.
   */
  const demandReach = async (
    caller: Caller,
    act: Act,
    all: readonly (Provider['settings'] | undefined)[],
  ) => {
    if (caller.user === undefined) return
    const known = all.filter((one) => one !== undefined)
    authority.demandApps(caller, need(act), null)
    for (const { mapping } of known) authority.demandWithin(caller, need(act), roles.reachOf(named(mapping)))
    for (const { issuer, user } of await store.ssoLinks()) {
      const record = users.find(user)
      if (record && known.some((one) => one.issuer === issuer))
        authority.demandWithin(caller, need(act), roles.reachOf(record))
    }
  }
  const isOwn = (provider: Provider | undefined, { user }: Caller) =>
    user !== undefined && provider?.owner === user
  /** What listens on this machine alone trusts who can ask it: nobody from outside makes the box ask. */
  const refuseInside = (caller: Caller, act: Act, before: Provider | undefined, wanted: ProviderSettings) => {
    if (caller.user === undefined || !wanted.onThisMachine) return
    if (before && destinations(before.settings) === destinations(wanted)) return
    authority.refuse(caller, need(act), 'onThisMachine is said by the command line', 'machine_only')
  }
  /** A link opens the user's account. */
  const allowed = (caller: Caller) => (user: User) => oversight.demandOver(caller, 'update', user)

  return {
    'sso.list': async (params, caller) => {
      parseNothing(params ?? {}, 'sso.list')
      authority.demand(caller, need('read'), true)
      const seesAll = authority.may(caller, need('read'))
      return providers
        .list()
        .filter((provider) => seesAll || isOwn(provider, caller))
        .map(shown)
    },
    'sso.get': async (params, caller) => {
      const provider = providers.get(parseName(params, 'sso.get').name)
      authority.demand(caller, need('read'), isOwn(provider, caller))
      return shown(provider)
    },
    'sso.put': async (params, caller) => {
      const { ifRevision: revision, secret, ...asked } = parsePut(params, 'sso.put')
      const wanted = completed(asked)
      const { roles: given, scopedRoles } = named(wanted.mapping)
      roles.refuseUnknown([...new Set([...given, ...Object.values(scopedRoles).flat()])])
      groups.refuseUnknown(Object.keys(scopedRoles))
      const provider = await providers.put(wanted, {
        ...{ secret, owner: caller.user ?? null, ifRevision: revision },
        async allowed(before) {
          const act = before ? 'update' : 'create'
          authority.demand(caller, need(act), isOwn(before, caller))
          refuseInside(caller, act, before, wanted)
          await demandReach(caller, act, [before?.settings, wanted])
        },
      })
      const sees = authority.may(caller, need('read'), isOwn(provider, caller))
      return sees ? shown(provider) : { revision: provider.revision }
    },
    'sso.remove': async (params, caller) => {
      const { name, ifRevision: revision } = parseRemove(params, 'sso.remove')
      await providers.remove(name, {
        ifRevision: revision,
        allowed: (before) => authority.demand(caller, need('delete'), isOwn(before, caller)),
      })
    },
    'sso.test': async (params, caller) => {
      const provider = providers.get(parseName(params, 'sso.test').name)
      authority.demand(caller, need('update'), isOwn(provider, caller))
      const { issuer, authorization_endpoint, token_endpoint, jwks_uri, end_session_endpoint } =
        await metadata({
          ...provider.settings, // a copy: asked anew
        })
      return { issuer, authorization_endpoint, token_endpoint, jwks_uri, end_session_endpoint }
    },
    'sso.links': async (params, caller) => {
      parseNothing(params ?? {}, 'sso.links')
      authority.demand(caller, { category: 'Users', act: 'read' })
      return (await store.ssoLinks()).map(shownLink)
    },
    'sso.link': async (params, caller) => {
      const { provider, subject, user } = parseLink(params, 'sso.link')
      const { issuer } = providers.get(provider).settings
      await accounts.link({ issuer, subject }, user, allowed(caller))
      return { issuer, subject, user }
    },
    'sso.unlink': async (params, caller) => {
      const subject = parseUnlink(params, 'sso.unlink')
      if (!(await accounts.unlink(subject, allowed(caller)))) throw new NotFound('there is no such link')
    },
  }
}

type Asked = Static<typeof ProviderBody> & { name: string }

/** Throws `Invalid` for what is missing, and for what cannot be together. */
function completed({ template = { kind: 'custom' }, ...asked }: Asked): ProviderSettings {
  const { name } = asked
  const all = { ...defaults, mapping: noMapping, providerName: name, ...presetOf(template), ...asked }
  const parsed = parseSettings(all, 'identity provider')
  refuseClearText(parsed)
  if (parsed.externalTokens && parsed.audience === undefined)
    throw new Invalid('external tokens need the audience that they are for', { cure: 'Give audience.' })
  if (parsed.signature.by === 'jwks' && parsed.endpoints && parsed.endpoints.jwks === undefined)
    throw new Invalid('the endpoints lack jwks, and no public key is given')
  return parsed
}

const noMapping: Mapping = { mode: 'replace', rules: [] }

/** Clear text never leaves the machine. */
function refuseClearText(wanted: ProviderSettings): void {
  const { issuer, metadataUrl, endpoints, redirectUri, onThisMachine } = wanted
  const urls = [issuer, metadataUrl, redirectUri, ...Object.values(endpoints ?? {})].filter(
    (url) => url !== undefined,
  )
  for (const url of urls) {
    if (!URL.canParse(url)) throw new Invalid(`${url} is no URL`)
    const { protocol, username, password, hash } = new URL(url)
    if (username !== '' || password !== '' || hash !== '')
      throw new Invalid(`${url} holds more than an address`)
    if (protocol !== 'https:' && !onThisMachine)
      throw new Invalid(`${url} is not https`, { cure: 'Give the address of the provider that speaks TLS.' })
  }
}

/** Never the secret. */
const shown = ({ settings, secret, owner, updatedAt, revision }: Provider) => ({
  ...settings,
  ...{ hasSecret: secret !== undefined, owner, updatedAt, revision },
})

const shownLink = ({ issuer, subject, user, createdAt }: SsoLink) => ({ issuer, subject, user, createdAt })
