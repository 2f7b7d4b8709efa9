import Type from 'typebox'
import { ProviderBody } from '../../sso/operations.ts'
import { ProviderSettings, providerName } from '../../sso/provider.ts'
import type { AdminRoute } from './route-table.ts'

const category = 'SingleSignOn' as const
const Provider = Type.Object({
  ...ProviderSettings.properties,
  hasSecret: Type.Boolean(),
  owner: Type.Union([Type.String(), Type.Null()]),
  updatedAt: Type.Number(),
  revision: Type.Integer(),
})
const Named = Type.Object({ name: providerName })
const Link = Type.Object({
  issuer: Type.String(),
  subject: Type.String(),
  user: Type.String(),
  createdAt: Type.Optional(Type.Number()),
})
const strict = { additionalProperties: false }
const path = '/identity-providers/:name'
const params = { name: 'plant' }

export const ssoRoutes: readonly AdminRoute[] = [
  {
    ...{ id: 'listIdentityProviders', method: 'GET', path: '/identity-providers' },
    needs: { category, act: 'read' },
    owned: true,
    answer: Type.Array(Provider),
    operation: 'sso.list',
    summary: 'The identity providers of single sign-on, without their secrets',
  },
  {
    ...{ id: 'getIdentityProvider', method: 'GET', path },
    needs: { category, act: 'read' },
    owned: true,
    params: Named,
    answer: Provider,
    revisioned: true,
    operation: 'sso.get',
    summary: 'One identity provider, without its secret',
    example: { params },
  },
  {
    ...{ id: 'putIdentityProvider', method: 'PUT', path },
    needs: { category, act: 'update' },
    owned: true,
    params: Named,
    body: ProviderBody,
    answer: Provider,
    revisioned: true,
    operation: 'sso.put',
    summary: 'Add an identity provider or replace its settings; another address needs the secret again',
    example: {
      params,
      body: { issuer: 'https://idp.example', clientId: 'box', secret: 'the secret of the client' },
    },
  },
  {
    ...{ id: 'deleteIdentityProvider', method: 'DELETE', path },
    needs: { category, act: 'delete' },
    owned: true,
    params: Named,
    revisioned: true,
    operation: 'sso.remove',
    summary: 'Remove an identity provider; its users stay, and open sessions go on',
    example: { params },
  },
  {
    ...{ id: 'testIdentityProvider', method: 'POST', path: `${path}/test` },
    needs: { category, act: 'update' },
    owned: true,
    params: Named,
    answer: Type.Object({
      issuer: Type.String(),
      authorization_endpoint: Type.Optional(Type.String()),
      token_endpoint: Type.Optional(Type.String()),
      jwks_uri: Type.Optional(Type.String()),
      end_session_endpoint: Type.Optional(Type.String()),
    }),
    operation: 'sso.test',
    summary: 'Ask the provider for its metadata now',
    example: { params },
  },
  {
    ...{ id: 'listIdentityLinks', method: 'GET', path: '/identity-links' },
    needs: { category: 'Users', act: 'read' },
    answer: Type.Array(Link),
    operation: 'sso.links',
    summary: 'Which user is whom at an identity provider',
  },
  {
    ...{ id: 'addIdentityLink', method: 'POST', path: '/identity-links' },
    needs: { category: 'Users', act: 'update' },
    owned: true,
    body: Type.Object({ provider: providerName, subject: Type.String(), user: Type.String() }, strict),
    answer: Link,
    created: true,
    operation: 'sso.link',
    summary: 'Let who is this subject at a provider sign in as this user',
    example: { body: { provider: 'plant', subject: '1234', user: 'ann' } },
  },
  {
    ...{ id: 'deleteIdentityLink', method: 'DELETE', path: '/identity-links' },
    needs: { category: 'Users', act: 'update' },
    owned: true,
    query: Type.Object({ issuer: Type.String(), subject: Type.String() }, strict),
    operation: 'sso.unlink',
    summary: 'Take that away; ends the sessions of the user',
    example: { query: { issuer: 'https://idp.example', subject: '1234' } },
  },
]
