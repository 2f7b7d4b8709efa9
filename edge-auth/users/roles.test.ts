import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { introspectPath, password, startEdgeAuth } from '../../test/edge-auth.ts'

let edge: Awaited<ReturnType<typeof startEdgeAuth>>
beforeAll(async () => {
  edge = await startEdgeAuth()
  await edge.addUser('root', 'Admin')
  await edge.addUser('ann', 'Viewer')
})
afterAll(() => edge[Symbol.asyncDispose]())

const as = (user: string) => ({ user })
const forbidden = { code: 'forbidden' }
const above = { code: 'above_own' }
const addRole = (name: string, permissions: object, caller?: { user: string }) =>
  edge.run('role.add', { name, permissions }, caller)

describe('a role of this box', () => {
  test('gives its permissions, beside those of others, and new ones end the sessions of who has it', async () => {
    await addRole('Auditor', { Audits: ['READ'] })
    await edge.run('user.set', { name: 'ann', roles: ['Viewer', 'Auditor'] })
    expect(await edge.run('audit.list', { limit: 1 }, as('ann'))).toHaveProperty('entries')
    const token = await edge.signIn('ann')
    expect(await edge.introspect(token)).toMatchObject({ ext: { roles: ['Viewer', 'Auditor'] } })
    await edge.run('role.set', { name: 'Auditor', description: 'Looks at what has happened.' })
    expect(await edge.introspect(token)).toMatchObject({ active: true })
    await edge.run('role.set', { name: 'Auditor', permissions: { Sessions: ['READ'] } })
    expect(await edge.introspect(token)).toEqual({ active: false })
    await expect(edge.run('audit.list', {}, as('ann'))).rejects.toMatchObject(forbidden)
    await edge.restart()
    expect(await edge.run('session.list', {}, as('ann'))).toEqual([])
    expect(await edge.run('role.show', { name: 'Auditor' })).toMatchObject({
      ...{ description: 'Looks at what has happened.', permissions: { Sessions: ['READ'] }, revision: 3 },
    })
  })

  test('stays while somebody has it or a gate asks for it; by force it is taken away', async () => {
    await addRole('Baker', {})
    await edge.run('app.add', { name: 'oven', version: '1' })
    await edge.run('app.set', { name: 'oven', path: '/oven/', roles: ['Baker'] })
    await edge.addUser('bea', 'Viewer', 'Baker')
    const token = await edge.signIn('bea')
    const inUse = { code: 'in_use' }
    await expect(edge.run('role.remove', { name: 'Baker' })).rejects.toMatchObject(inUse)
    await expect(edge.run('role.remove', { name: 'Baker', force: true })).rejects.toMatchObject(inUse)
    await edge.run('app.set', { name: 'oven', roles: ['Operator'] })
    await expect(edge.run('role.remove', { name: 'Baker' })).rejects.toMatchObject(inUse)
    await edge.run('role.remove', { name: 'Baker', force: true })
    expect(await edge.introspect(token)).toEqual({ active: false })
    expect(await edge.run('user.show', { name: 'bea' })).toMatchObject({ roles: ['Viewer'] })
    await expect(edge.run('app.set', { name: 'oven', roles: ['Baker'] })).rejects.toMatchObject({
      code: 'invalid',
    })
  })

  test.each([
    ['role.set', { name: 'Viewer', permissions: {} }, 'predefined_role'],
    ['role.remove', { name: 'Admin', force: true }, 'predefined_role'],
    ['role.add', { name: 'admin', permissions: {} }, 'conflict'],
    ['role.add', { name: 'no blanks', permissions: {} }, 'invalid'],
    ['role.add', { name: 'Odd', permissions: { Users: ['WRITE'] } }, 'invalid'],
    ['role.add', { name: 'Odd', permissions: { Nothing: ['READ'] } }, 'invalid'],
    ['role.show', { name: 'Nobody' }, 'not_found'],
    ['role.set', { name: 'Auditor', description: 'x', ifRevision: 1 }, 'precondition_failed'],
    ['role.remove', { name: 'Auditor', ifRevision: 1 }, 'precondition_failed'],
  ])('%s %j is refused: %s', async (operation, params, code) => {
    await expect(edge.run(operation, params)).rejects.toMatchObject({ code })
  })
})

describe('who may do what', () => {
  test('CREATE sees and manages what one has made, and nothing else', async () => {
    await addRole('Clerk', { Users: ['CREATE'] })
    await edge.addUser('cleo', 'Clerk')
    await addRole('Guest', {}, as('cleo'))
    await edge.run('user.add', { name: 'kim', roles: ['Guest'], password }, as('cleo'))
    const names = async (operation: string) =>
      ((await edge.run(operation, {}, as('cleo'))) as { name: string; predefined?: boolean }[])
        .filter(({ predefined }) => predefined !== true)
        .map(({ name }) => name)
    expect([await names('user.list'), await names('role.list')]).toEqual([['kim'], ['Guest']])
    expect(await edge.run('user.set', { name: 'kim', profile: { phone: '1' } }, as('cleo'))).toMatchObject({
      ...{ owner: 'cleo', profile: { phone: '1' } },
    })
    for (const operation of ['user.show', 'user.disable', 'user.remove', 'user.unlock', 'user.passwd'])
      await expect(edge.run(operation, { name: 'ann' }, as('cleo')), operation).rejects.toMatchObject(
        forbidden,
      )
    await expect(edge.run('user.set', { name: 'kim', owner: 'root' }, as('cleo'))).rejects.toMatchObject(
      forbidden,
    )
    await expect(edge.run('role.remove', { name: 'Auditor' }, as('cleo'))).rejects.toMatchObject(forbidden)
    await edge.run('user.remove', { name: 'kim' }, as('cleo'))
  })

  test('UPDATE changes all that is not above, and sees nothing', async () => {
    await addRole('Blind', { Users: ['UPDATE'] })
    await edge.addUser('leo', 'Blind')
    await addRole('Nothing', {})
    await edge.addUser('max', 'Nothing')
    expect(await edge.run('user.set', { name: 'max', profile: { phone: '1' } }, as('leo'))).toBeUndefined()
    expect(await edge.run('user.show', { name: 'max' })).toMatchObject({ profile: { phone: '1' } })
    for (const [operation, params] of [
      ['user.list', {}],
      ['user.show', { name: 'max' }],
      ['user.set', { name: 'max', copyRolesFrom: 'max' }],
      ['user.add', { name: 'new', roles: ['Nothing'] }],
    ] as const)
      await expect(edge.run(operation, params, as('leo')), operation).rejects.toMatchObject(forbidden)
  })

  test('an Admin is touched by no other than an Admin', async () => {
    await edge.addUser('uma', 'UserManager')
    for (const [operation, params] of [
      ['user.passwd', { password: 'mine from now on' }],
      ['user.resetCode', {}],
      ['user.disable', {}],
      ['user.enable', {}],
      ['user.remove', {}],
      ['user.unlock', {}],
      ['user.set', { profile: { email: 'uma@plant.example' } }],
      ['user.set', { totpRequired: false }],
      ['user.set', { alias: 'wurzel' }],
      ['user.set', { owner: 'uma' }],
    ] as const)
      await expect(
        edge.run(operation, { name: 'root', ...params }, as('uma')),
        operation,
      ).rejects.toMatchObject(above)
    for (const [operation, params] of [
      ['user.add', { name: 'eve', roles: ['Admin'] }],
      ['user.add', { name: 'eve', roles: ['UserManager', 'Operator'] }],
      ['user.set', { name: 'uma', roles: ['Admin'] }],
      ['user.set', { name: 'uma', copyRolesFrom: 'root' }],
      ['role.add', { name: 'Sly', permissions: { Options: ['ADMIN'] } }],
      ['role.set', { name: 'Auditor', permissions: { Audits: ['READ'] } }],
    ] as const)
      await expect(edge.run(operation, params, as('uma')), operation).rejects.toMatchObject(above)
    const { entries } = (await edge.run('audit.list', { type: 'access_denied', user: 'uma' })) as {
      entries: object[]
    }
    expect(entries[0]).toMatchObject({ reason: 'permission_missing', detail: { category: 'Users' } })
  })

  test('who is disabled, gone, or past his time may do nothing, whatever he had', async () => {
    await edge.addUser('ida', 'Admin')
    expect(await edge.run('user.list', {}, as('ida'))).toBeInstanceOf(Array)
    await edge.run('user.disable', { name: 'ida' })
    await expect(edge.run('user.list', {}, as('ida'))).rejects.toMatchObject(forbidden)
    await edge.run('user.remove', { name: 'ida' })
    await expect(edge.run('user.list', {}, as('ida'))).rejects.toMatchObject(forbidden)
  })

  test('to end all sessions one must administer users', async () => {
    await addRole('Porter', { Sessions: ['READ', 'UPDATE'] })
    await edge.addUser('pia', 'Porter')
    await expect(edge.run('session.end', { all: true }, as('pia'))).rejects.toMatchObject(forbidden)
    expect(await edge.run('session.end', { user: 'ann' }, as('pia'))).toEqual({ ended: 0 })
    expect(await edge.run('session.end', { all: true }, as('uma'))).toHaveProperty('ended')
  })
})

describe('a group of apps', () => {
  test.each(['constructor', 'hasOwnProperty', '__proto__'])('may be called %s', async (group) => {
    await edge.run('appGroup.add', { name: group, apps: ['press'] })
    const scopedRoles = { [group]: ['Operator'] }
    await edge.run('user.add', { name: 'kim', roles: ['Viewer'], scopedRoles, password })
    await edge.addUser('lou', 'Viewer')
    await edge.run('user.set', { name: 'lou', copyRolesFrom: 'kim' })
    await edge.run('user.set', { name: 'lou', profile: { phone: '1' } })
    const { scopedRoles: copied } = (await edge.run('user.show', { name: 'lou' })) as {
      scopedRoles: Record<string, string[]>
    }
    expect(Object.entries(copied)).toEqual([[group, ['Operator']]])
    await edge.run('appGroup.remove', { name: group, force: true })
    for (const name of ['kim', 'lou']) await edge.run('user.remove', { name })
  })
})

describe('at the apps', () => {
  let tokens: Record<string, string>
  let secrets: Record<string, string>
  beforeAll(async () => {
    secrets = {}
    for (const name of ['press', 'saw']) {
      const app = (await edge.run('app.add', { name, version: '1' })) as { client_secret: string }
      secrets[name] = app.client_secret
      await edge.run('app.set', { name, path: `/${name}/`, roles: ['Operator'], public: [`/${name}/open/`] })
    }
    await edge.run('appGroup.add', { name: 'hall', apps: ['press'] })
    await edge.run('user.add', {
      ...{ name: 'sam', roles: ['Viewer'], scopedRoles: { hall: ['Operator'] }, password },
    })
    await edge.run('user.add', { name: 'tim', roles: ['Operator'], apps: ['saw'], password })
    tokens = { sam: await edge.signIn('sam'), tim: await edge.signIn('tim') }
  })

  const pass = async (user: string, path: string) => {
    const asked = {
      'x-original-uri': path,
      'x-original-method': 'GET',
      cookie: `access_token=${tokens[user]}`,
    }
    const { status, headers } = await edge.ask('/device/edge/auth/verify', { via: 'proxy', headers: asked })
    return [status, headers['x-auth-roles']]
  }
  const rolesTold = async (app: string, token: string | undefined) => {
    const authorization = `Basic ${Buffer.from(`${app}:${secrets[app]}`).toString('base64')}`
    const body = new URLSearchParams({ token: token as string })
    const answer = await edge.ask(introspectPath, { method: 'POST', headers: { authorization }, body })
    return (answer.json() as { ext?: { roles: string[] } }).ext?.roles
  }

  test('roles for a group hold at its apps, and are told to them alone', async () => {
    expect(await pass('sam', '/press/')).toEqual([200, 'Viewer,Operator'])
    expect(await pass('sam', '/saw/')).toEqual([403, undefined])
    expect(await pass('sam', '/elsewhere')).toEqual([200, 'Viewer'])
    expect(await rolesTold('press', tokens.sam)).toEqual(['Viewer', 'Operator'])
    expect(await rolesTold('saw', tokens.sam)).toEqual(['Viewer'])
    expect(await edge.introspect(tokens.sam as string)).toMatchObject({ ext: { roles: ['Viewer'] } })
    const { permissions } = (await edge.run('user.show', { name: 'sam' })) as { permissions: object }
    expect(permissions).toMatchObject({ Alarms: ['READ'] }) // of the box he is a Viewer
  })

  test('a list of apps lets through to these alone, with the next question', async () => {
    expect(await pass('tim', '/saw/')).toEqual([200, 'Operator'])
    expect((await pass('tim', '/press/'))[0]).toBe(403)
    expect((await pass('tim', '/elsewhere'))[0]).toBe(403)
    expect((await pass('tim', '/press/open/'))[0]).toBe(200)
    await edge.run('user.set', { name: 'tim', apps: ['press'] })
    expect([(await pass('tim', '/saw/'))[0], (await pass('tim', '/press/'))[0]]).toEqual([403, 200])
    await edge.run('user.set', { name: 'tim', apps: null })
    expect([(await pass('tim', '/saw/'))[0], (await pass('tim', '/elsewhere'))[0]]).toEqual([200, 200])
    const { entries } = (await edge.run('audit.list', { type: 'access_denied', user: 'tim' })) as {
      entries: object[]
    }
    expect(entries.map((entry) => (entry as { reason: string }).reason)).toContain('app_access')
  })

  test('who is let through to some apps only lets nobody through to others', async () => {
    await edge.run('user.add', { name: 'una', roles: ['UserManager'], apps: ['saw'], password })
    await addRole('Plain', {})
    const add = (apps: string[] | null) =>
      edge.run('user.add', { name: 'vio', roles: ['Plain'], apps, password }, as('una'))
    for (const apps of [null, ['press'], ['saw', 'press']])
      await expect(add(apps)).rejects.toMatchObject(above)
    const group = { name: 'hall', apps: ['press', 'saw'] }
    await expect(edge.run('appGroup.set', group, as('una'))).rejects.toMatchObject(above)
    expect(await add(['saw'])).toMatchObject({ name: 'vio' })
  })

  test('other apps of a group, and its going, end the sessions of who has roles for it', async () => {
    await edge.run('appGroup.set', { name: 'hall', apps: ['saw'] })
    expect(await rolesTold('press', tokens.sam)).toBeUndefined()
    tokens.sam = await edge.signIn('sam')
    expect([(await pass('sam', '/saw/'))[0], (await pass('sam', '/press/'))[0]]).toEqual([200, 403])
    await edge.restart()
    expect([(await pass('sam', '/saw/'))[0], (await pass('sam', '/press/'))[0]]).toEqual([200, 403])
    await expect(edge.run('appGroup.remove', { name: 'hall' })).rejects.toMatchObject({ code: 'in_use' })
    await edge.run('appGroup.remove', { name: 'hall', force: true })
    expect(await edge.run('user.show', { name: 'sam' })).toMatchObject({ scopedRoles: {} })
    expect((await pass('sam', '/saw/'))[0]).toBe(401)
    const unknown = edge.run('user.set', { name: 'sam', scopedRoles: { hall: ['Viewer'] } })
    await expect(unknown).rejects.toMatchObject({ code: 'not_found' })
  })
})
