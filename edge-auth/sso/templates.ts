import Type, { type Static } from 'typebox'
import { Invalid } from '../../core/errors.ts'
import type { ProviderSettings } from './provider.ts'

const strict = { additionalProperties: false }

/** What a template needs to know to write the addresses of a provider. */
export const Template = Type.Union([
  Type.Object({ kind: Type.Literal('custom') }, strict),
  Type.Object(
    {
      kind: Type.Literal('azure-ad'),
      tenant: Type.String({ pattern: '^[A-Za-z0-9.-]{1,128}$', description: 'Id of the directory.' }),
      version: Type.Optional(Type.Enum(['1', '2'])),
    },
    strict,
  ),
  Type.Object(
    {
      kind: Type.Literal('keycloak'),
      url: Type.String({ pattern: '^https?://[^\\s]+$' }),
      realm: Type.String({ pattern: '^[^/?#\\s]{1,128}$' }),
    },
    strict,
  ),
])
export type Template = Static<typeof Template>

type Preset = Partial<ProviderSettings> & Pick<ProviderSettings, 'template'>

/** Nothing in it is fixed: what is given besides wins. */
export function presetOf(template: Template): Preset {
  if (template.kind === 'azure-ad') return azure(template)
  if (template.kind === 'keycloak') return keycloak(template)
  return { template: 'custom', profileClaims: standardClaims }
}

const standardClaims = {
  firstName: 'given_name',
  lastName: 'family_name',
  email: 'email',
  phone: 'phone_number',
}

/** The tokens of version 1 name another issuer than the address of the metadata, with a slash at its end. */
function azure({ tenant, version = '2' }: Template & { kind: 'azure-ad' }): Preset {
  if (['common', 'organizations', 'consumers'].includes(tenant))
    throw new Invalid(`${tenant} is not one directory: anybody's would be let in`, {
      cure: 'Give the id of your own directory (tenant).',
    })
  const base = `https://login.microsoftonline.com/${tenant}`
  const common = {
    template: 'azure-ad' as const,
    providerName: 'Azure AD',
    profileClaims: { firstName: 'given_name', lastName: 'family_name', email: 'email' },
  }
  if (version === '2')
    return {
      ...{ ...common, issuer: `${base}/v2.0`, userIdClaim: 'preferred_username' },
      metadataUrl: `${base}/v2.0/.well-known/openid-configuration`,
    }
  return {
    ...{ ...common, issuer: `https://sts.windows.net/${tenant}/`, userIdClaim: 'unique_name' },
    metadataUrl: `${base}/.well-known/openid-configuration`,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder
    authorizationParams: { resource: '${clientId}' },
  }
}

function keycloak({ url, realm }: Template & { kind: 'keycloak' }): Preset {
  return {
    template: 'keycloak',
    issuer: `${url.replace(/\/+$/, '')}/realms/${encodeURIComponent(realm)}`,
    providerName: 'Keycloak',
    userIdClaim: 'preferred_username',
    profileClaims: standardClaims,
  }
}

/** What nobody has to say. */
export const defaults: Omit<
  ProviderSettings,
  'name' | 'template' | 'issuer' | 'clientId' | 'mapping' | 'providerName'
> = {
  clientAuth: 'client_secret_basic',
  scope: 'openid profile email',
  visible: true,
  authorizationParams: {},
  logoutParams: {},
  tokenSource: 'idToken',
  userIdClaim: 'sub',
  profileClaims: standardClaims,
  signature: { by: 'jwks' },
  clockToleranceSeconds: 5,
  onThisMachine: false,
}

/** `${name}` becomes its value; what is not known stays as it is. Whoever builds the URL encodes it. */
export const fillIn = (text: string, values: Readonly<Record<string, string>>): string =>
  text.replace(/\$\{(\w+)\}/g, (whole, name) =>
    Object.hasOwn(values, name) ? (values[name] as string) : whole,
  )
