import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Act, all, categories, levels, may, mayOwn, type Permissions, sum, within } from './index.ts'
import { predefinedRoles } from './predefined.ts'

const permissions = fc
  .array(fc.tuple(fc.constantFrom(...categories), fc.subarray([...levels])), { maxLength: 6 })
  .map((entries) => Object.fromEntries(entries) as Permissions)
const need = fc.record({
  category: fc.constantFrom(...categories),
  act: fc.constantFrom<Act>('read', 'create', 'update', 'delete', 'admin'),
})
const equal = (one: Permissions, other: Permissions) => within(one, other) && within(other, one)

describe('what a level gives', () => {
  test.each([
    ['READ', { read: true, create: false, update: false, delete: false, admin: false }],
    ['CREATE', { read: false, create: true, update: false, delete: false, admin: false }],
    ['UPDATE', { read: false, create: false, update: true, delete: true, admin: false }],
    ['ADMIN', { read: false, create: true, update: true, delete: true, admin: true }],
  ] as const)('%s', (level, expected) => {
    for (const [act, allowed] of Object.entries(expected) as [Act, boolean][]) {
      expect([act, may({ Users: [level] }, { category: 'Users', act })]).toEqual([act, allowed])
      expect(may({ Users: [level] }, { category: 'Audits', act })).toBe(false)
      const own = allowed || (level === 'CREATE' && act !== 'admin')
      expect([act, mayOwn({ Users: [level] }, { category: 'Users', act })]).toEqual([act, own])
    }
  })
})

describe('permissions are ordered', () => {
  test('each is within itself, nothing within all, and all within nothing but all', () => {
    fc.assert(
      fc.property(permissions, (one) => {
        expect(within(one, one) && within({}, one) && within(one, all)).toBe(true)
        expect(within(all, one)).toBe(equal(one, all))
      }),
    )
  })

  test('a sum holds its parts, and is the least that does', () => {
    fc.assert(
      fc.property(permissions, permissions, permissions, (one, other, bound) => {
        const both = sum([one, other])
        expect(within(one, both) && within(other, both)).toBe(true)
        expect(within(both, bound)).toBe(within(one, bound) && within(other, bound))
        expect(both).toEqual(sum([other, one, one]))
      }),
    )
  })

  test('who is within another may do nothing that the other may not', () => {
    fc.assert(
      fc.property(permissions, permissions, need, fc.boolean(), (one, other, what, own) => {
        expect(may(one, what, own) && !may(sum([one, other]), what, own)).toBe(false)
        if (within(one, other) && may(one, what, own)) expect(may(other, what, own)).toBe(true)
      }),
    )
  })

  test('Admin is above every role, and no other is above Admin', () => {
    for (const role of predefinedRoles) {
      expect(within(role.permissions, all)).toBe(true)
      expect(within(all, role.permissions)).toBe(role.name === 'Admin')
    }
  })
})
