import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Gate, gateOf, judge } from './rules.ts'

const rule = (path: string, methods: string[] = [], roles: string[] = []) => ({ path, methods, roles })
const press: Gate = {
  clientId: 'press',
  path: '/press/',
  upstream: null,
  roles: ['Operator', 'Admin'],
  methods: [],
  rules: [
    rule('/press/reports/', ['GET'], []),
    rule('/press/settings/', [], ['Admin']),
    rule('/press/andon/admin/', [], ['Admin']),
  ],
  public: ['/press/andon/'],
  withholdToken: false,
}
const ask = (path: string, roles?: string[], method = 'GET', gate: Gate | undefined = press) =>
  judge(gate, { path, method, roles }, 'signed_in')

const passes = { pass: 'signed_in' }
const signIn = { signIn: true }

describe('the rule of the longest path holds', () => {
  test.each([
    ['/press/', ['Operator'], passes],
    ['/press', ['Operator'], passes],
    ['/press/x/y', ['Admin'], passes],
    ['/press/', ['Viewer'], { deny: 'role' }],
    ['/press/', undefined, signIn],
    ['/press/settings', ['Operator'], { deny: 'role' }],
    ['/press/settings/x', ['Admin'], passes],
    ['/press/settingsandmore', ['Operator'], passes],
    ['/press/reports/1', ['Viewer'], passes],
    ['/press/andon/board', undefined, { pass: 'everyone' }],
    ['/press/andon/admin/', undefined, signIn],
    ['/press/andon/admin/', ['Viewer'], { deny: 'role' }],
  ])('%s for %j', (path, roles, judgement) => expect(ask(path, roles)).toEqual(judgement))
})

test('methods are those of the rule that holds, and HEAD goes with GET', () => {
  expect(ask('/press/reports/1', ['Viewer'], 'HEAD')).toEqual(passes)
  expect(ask('/press/reports/1', ['Viewer'], 'POST')).toEqual({ deny: 'method' })
  expect(
    judge(press, { path: '/press/reports/1', method: undefined, roles: ['Viewer'] }, 'signed_in'),
  ).toEqual({
    deny: 'method',
  })
})

test('two rules of one path: what each role may do', () => {
  const gate = {
    ...press,
    roles: [],
    rules: [rule('/press/', ['GET'], ['Viewer']), rule('/press/', [], ['Operator'])],
  }
  expect(ask('/press/x', ['Viewer'], 'GET', gate)).toEqual(passes)
  expect(ask('/press/x', ['Viewer'], 'POST', gate)).toEqual({ deny: 'role' })
  expect(ask('/press/x', ['Operator'], 'POST', gate)).toEqual(passes)
})

describe('another spelling opens nothing', () => {
  test.each([
    ['/PRESS/', ['Viewer'], { deny: 'role' }],
    ['/Press/x', undefined, signIn],
    ['/press/SETTINGS/', ['Operator'], { deny: 'role' }],
    ['/press/%C5%BFettings/', ['Operator'], { deny: 'role' }],
    ['/press/Andon/', undefined, signIn],
    ['/press/REPORTS/1', ['Viewer'], { deny: 'role' }],
    ['/press/REPORTS/1', ['Operator'], passes],
  ])('%s for %j', (path, roles, judgement) => {
    expect(gateOf([press], path)).toBe(press)
    expect(ask(path, roles)).toEqual(judgement)
  })

  test('whatever letters are turned, nobody gets further than by the path as it is written', () => {
    const paths = ['/press/', '/press/settings/x', '/press/reports/1', '/press/andon/', '/press/andon/admin/']
    const roles = [undefined, [], ['Viewer'], ['Operator'], ['Admin']]
    const order = (judgement: object) =>
      ['deny', 'signIn', 'pass'].findIndex((key) => key in judgement) +
      (JSON.stringify(judgement).includes('everyone') ? 1 : 0)
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.nat(), (path, seed) => {
        const turned = [...path].map((c, at) => ((seed >> (at % 31)) & 1 ? c.toUpperCase() : c)).join('')
        for (const who of roles) expect(order(ask(turned, who))).toBeLessThanOrEqual(order(ask(path, who)))
      }),
    )
  })
})

test('the gate with the longest path stands before an app that lies below another', () => {
  const robot = { ...press, clientId: 'robot', path: '/press/robot/' }
  expect(gateOf([press, robot], '/press/robot/arm')).toBe(robot)
  expect(gateOf([robot, press], '/press/ROBOT')).toBe(robot)
  expect(gateOf([robot, press], '/press/robotics')).toBe(press)
  expect(gateOf([robot, press], '/pressure/')).toBeUndefined()
})

test('where no gate stands, the setting decides', () => {
  const elsewhere = { path: '/x', method: 'GET' }
  expect(judge(undefined, { ...elsewhere, roles: [] }, 'signed_in')).toEqual(passes)
  expect(judge(undefined, { ...elsewhere, roles: undefined }, 'signed_in')).toEqual(signIn)
  expect(judge(undefined, { ...elsewhere, roles: ['Admin'] }, 'deny')).toEqual({ deny: 'no_rule' })
})
