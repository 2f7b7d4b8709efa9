import { expect, test } from 'vitest'
import { claimAt, profileOf, userNameOf } from './claims.ts'
import { granted, type Mapping, reassigned } from './mapping.ts'
import { defaults, fillIn, presetOf } from './templates.ts'

/* What tokens of the three kinds look like, with people and directories that do not exist. */
const tenant = '00000000-1111-4222-8333-444444444444'
const azureV1 = {
  ...{ aud: 'box', iss: `https://sts.windows.net/${tenant}/`, ver: '1.0', tid: tenant },
  ...{ sub: 'pairwise-1', oid: 'aaaa', unique_name: 'erika@plant.example', upn: 'erika@plant.example' },
  ...{ given_name: 'Erika', family_name: 'Muster', groups: ['g-1', 'g-2'], roles: ['Edge.Operator'] },
}
const azureV2 = {
  ...{ aud: 'box', iss: `https://login.microsoftonline.com/${tenant}/v2.0`, ver: '2.0', tid: tenant },
  ...{ sub: 'pairwise-2', oid: 'aaaa', preferred_username: 'erika@plant.example', name: 'Erika Muster' },
  ...{ roles: ['Edge.Operator'], wids: ['w-1'] },
}
const keycloak = {
  ...{ iss: 'https://sso.plant.example/realms/plant', aud: ['box', 'account'], azp: 'box', sub: 'f:1:erika' },
  ...{ realm_access: { roles: ['operator', 'offline_access'] }, acr: '1', sid: 's-1' },
  ...{ resource_access: { box: { roles: ['maintenance'] } }, preferred_username: 'erika' },
  ...{ email_verified: true, email: 'erika@plant.example' },
}

const mapping = (...when: Mapping['rules'][number]['when']): Mapping => ({
  mode: 'replace',
  rules: [{ when, roles: ['Operator'] }],
})
const lets = (claims: object, claim: string, operator: '=' | 'in', value: string) =>
  granted(mapping({ claim, operator, value }), claims) !== undefined

test.each([
  [azureV1, 'groups', 'in', 'g-2'],
  [azureV1, 'upn', '=', '*@plant.example'],
  [azureV2, 'roles', 'in', 'Edge.Operator'],
  [azureV2, 'tid', '=', tenant],
  [keycloak, 'realm_access.roles', 'in', 'operator'],
  [keycloak, 'resource_access.box.roles', 'in', 'maintenance'],
  [keycloak, 'email_verified', '=', 'true'],
  [{ 'https://plant.example/roles': ['a'] }, 'https://plant.example/roles', 'in', 'a'],
  [{ 'https://plant.example/x': { y: 'a' } }, 'https://plant.example/x.y', '=', 'a'],
] as const)('%j: %s %s %s holds', (claims, claim, operator, value) => {
  expect(lets(claims, claim, operator, value)).toBe(true)
})

test.each([
  [azureV1, 'groups', '=', 'g-2'], // a list is no value
  [azureV1, 'upn', 'in', 'erika@plant.example'], // and a value no list
  [keycloak, 'realm_access.roles', 'in', 'oper*'],
  [keycloak, 'realm_access', '=', '*'],
  [keycloak, 'missing', '=', '*'],
  [keycloak, 'realm_access.roles.length', '=', '2'],
  [keycloak, 'constructor.name', '=', '*'],
  [keycloak, '__proto__', '=', '*'],
] as const)('%j: %s %s %s does not hold', (claims, claim, operator, value) => {
  expect(lets(claims, claim, operator, value)).toBe(false)
})

test.each([
  ['*', 'anything', true],
  ['it-*', 'it-ops', true],
  ['it-*', 'bit-ops', false],
  ['*-ops', 'it-ops', true],
  ['a*b*c', 'a-b-b-c', true],
  ['a*a', 'a', false],
  ['a\\*', 'a*', true],
  ['a\\*', 'ab', false],
  ['a\\**', 'a*b', true],
  ['*', '', true],
  ['(a+)+$', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', false],
] as const)('= %s of %s: %s', (pattern, value, holds) => {
  expect(lets({ claim: value }, 'claim', '=', pattern)).toBe(holds)
})

test('the conditions of a rule must all hold; the rules that hold add up', () => {
  const rules: Mapping['rules'] = [
    {
      when: [{ claim: 'a', operator: '=', value: '1' }],
      roles: ['Viewer'],
      scopedRoles: { line: ['Operator'] },
    },
    {
      when: [
        { claim: 'a', operator: '=', value: '1' },
        { claim: 'b', operator: '=', value: '2' },
      ],
      ...{
        roles: ['AppAdmin'],
        scopedRoles: { line: ['AppAdmin'], hall: ['Viewer'] },
        defaultApp: '/press/',
      },
    },
  ]
  expect(granted({ mode: 'replace', rules }, { a: '1' })).toEqual({
    ...{ roles: ['Viewer'], scopedRoles: { line: ['Operator'] }, defaultApp: undefined },
  })
  expect(granted({ mode: 'replace', rules }, { a: '1', b: '2' })).toEqual({
    roles: ['AppAdmin', 'Viewer'],
    scopedRoles: { line: ['AppAdmin', 'Operator'], hall: ['Viewer'] },
    defaultApp: '/press/',
  })
  expect(granted({ mode: 'replace', rules }, { b: '2' })).toBeUndefined()
  expect(granted({ mode: 'replace', rules: [] }, {})).toBeUndefined()
})

test('what a sign-in does to the roles of who was there', () => {
  const rules: Mapping['rules'] = [
    { when: [], roles: ['Operator'] },
    {
      when: [{ claim: 'x', operator: '=', value: 'y' }],
      roles: ['AppAdmin'],
      scopedRoles: { line: ['Admin'] },
    },
  ]
  const before = { roles: ['AppAdmin', 'Viewer'], scopedRoles: { line: ['Admin', 'Viewer'] } }
  const after = (mode: Mapping['mode']) => {
    const all = { mode, rules }
    return reassigned(all, before, granted(all, {}))
  }
  expect(after('creation')).toBe(before)
  expect(after('merge')).toEqual({ roles: ['Operator', 'Viewer'], scopedRoles: { line: ['Viewer'] } })
  expect(after('replace')).toMatchObject({ roles: ['Operator'], scopedRoles: {} })
})

test('names and profiles come from claims, and nothing is made up', () => {
  const subject = { issuer: keycloak.iss, subject: keycloak.sub }
  expect(userNameOf(keycloak, 'preferred_username', subject)).toBe('erika')
  expect(userNameOf(azureV1, 'unique_name', subject)).toBe('erika@plant.example')
  expect(userNameOf(keycloak, 'sub', subject)).toMatch(/^f-1-erika-[0-9a-f]{8}$/)
  expect(userNameOf(keycloak, 'sub', { ...subject, issuer: 'https://other.example' })).not.toBe(
    userNameOf(keycloak, 'sub', subject),
  )
  for (const claim of ['missing', 'realm_access', 'email_verified', 'toString'])
    expect(userNameOf(keycloak, claim, subject)).toBeUndefined()
  expect(profileOf(keycloak, defaults)).toEqual({ email: 'erika@plant.example' })
  expect(profileOf(azureV1, defaults)).toEqual({ firstName: 'Erika', lastName: 'Muster' })
  expect(claimAt(undefined, 'a')).toBeUndefined()
})

test('the templates know the issuers as the tokens say them', () => {
  expect(presetOf({ kind: 'azure-ad', tenant, version: '1' }).issuer).toBe(azureV1.iss)
  expect(presetOf({ kind: 'azure-ad', tenant }).issuer).toBe(azureV2.iss)
  expect(presetOf({ kind: 'keycloak', url: 'https://sso.plant.example/', realm: 'plant' }).issuer).toBe(
    keycloak.iss,
  )
  for (const common of ['common', 'organizations', 'consumers'])
    expect(() => presetOf({ kind: 'azure-ad', tenant: common })).toThrow(/not one directory/)
  const place = (name: string) => ['$', '{', name, '}'].join('')
  const text = [place('clientId'), place('unknown'), place('toString')].join(' ')
  expect(fillIn(text, { clientId: 'a&b' })).toBe(text.replace(place('clientId'), 'a&b'))
})
