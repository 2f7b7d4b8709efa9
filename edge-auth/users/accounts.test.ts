import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loginPath, password, startEdgeAuth } from '../../test/edge-auth.ts'

let edge: Awaited<ReturnType<typeof startEdgeAuth>>
beforeAll(async () => {
  edge = await startEdgeAuth()
  await edge.addUser('root', 'Admin')
  await edge.addUser('uma', 'UserManager')
  await edge.addUser('ann', 'Operator')
})
afterAll(() => edge[Symbol.asyncDispose]())

const show = (name: string) => edge.run('user.show', { name }) as Promise<Record<string, unknown>>
const as = (user: string) => ({ user, address: '127.0.0.1' })

describe('a user', () => {
  test('has all that can be said of him, and keeps it over a restart', async () => {
    const profile = { firstName: 'Ann', email: 'ann@plant.example' }
    await edge.run('user.add', {
      ...{ name: 'all', roles: ['Viewer'], password, alias: 'alles', profile, apps: ['press'] },
      ...{ totpRequired: true, delegatedBy: 'ann', mustChange: true },
    })
    await edge.run('user.set', { name: 'all', profile: { firstName: '', phone: '123' }, owner: 'uma' })
    const expected = {
      ...{ alias: 'alles', profile: { email: 'ann@plant.example', phone: '123' }, apps: ['press'] },
      ...{ totpRequired: true, delegatedBy: 'ann', owner: 'uma', mustChange: true, revision: 2 },
    }
    expect(await show('all')).toMatchObject(expected)
    await edge.restart()
    expect(await show('all')).toMatchObject(expected)
    await edge.run('user.remove', { name: 'all' })
  })

  test('of whom another was made or delegated leaves nothing to the next of that name', async () => {
    await edge.addUser('mia', 'UserManager')
    await edge.run('user.add', { name: 'kid', roles: ['UserManager'], password }, as('mia'))
    await edge.run('user.set', { name: 'kid', delegatedBy: 'mia' })
    await edge.run('role.add', { name: 'Own', permissions: {} }, as('mia'))
    expect([(await show('kid')).owner, (await show('kid')).delegatedBy]).toEqual(['mia', 'mia'])
    await edge.run('user.remove', { name: 'mia' })
    for (const restart of [false, true]) {
      if (restart) await edge.restart()
      expect(await show('kid')).toMatchObject({ owner: null, delegatedBy: null })
      expect(await edge.run('role.show', { name: 'Own' })).toMatchObject({ owner: null })
    }
  })

  test('is changed only as he was seen', async () => {
    const { revision } = await show('ann')
    await edge.run('user.set', { name: 'ann', profile: { phone: '1' }, ifRevision: revision })
    for (const [operation, params] of [
      ['user.set', { profile: { phone: '2' } }],
      ['user.disable', {}],
      ['user.passwd', {}],
      ['user.remove', {}],
    ] as const)
      await expect(
        edge.run(operation, { name: 'ann', ...params, ifRevision: revision }),
      ).rejects.toMatchObject({ code: 'precondition_failed' })
    expect(await show('ann')).toMatchObject({ profile: { phone: '1' }, enabled: true })
  })

  test('keeps his sessions while only his data change', async () => {
    const token = await edge.signIn('ann')
    await edge.run('user.set', { name: 'ann', profile: { lastName: 'Other' }, alias: 'anna' })
    expect(await edge.introspect(token)).toMatchObject({ active: true, sub: 'ann' })
    const { entries } = (await edge.run('audit.list', { user: 'ann', type: 'user_changed' })) as {
      entries: object[]
    }
    expect(entries[0]).toMatchObject({ reason: 'data_changed', detail: { fields: ['alias', 'profile'] } })
    expect(JSON.stringify(entries[0])).not.toContain('Other')
  })
})

describe('names', () => {
  test('an alias signs in as its user; names and aliases are one set', async () => {
    await edge.run('user.set', { name: 'ann', alias: 'anna' })
    expect(await edge.introspect(await edge.signIn('anna'))).toMatchObject({ sub: 'ann' })
    const taken = { code: 'name_taken' }
    await expect(edge.addUser('anna', 'Viewer')).rejects.toMatchObject(taken)
    for (const alias of ['ann', 'root'])
      await expect(edge.run('user.set', { name: 'uma', alias })).rejects.toMatchObject(taken)
    await expect(edge.addUser('machine', 'Viewer')).rejects.toMatchObject({ code: 'invalid' })
    await edge.run('user.set', { name: 'ann', alias: null })
    expect(await edge.signIn('anna')).toBeUndefined()
  })

  test('case counts, unless the option says otherwise; which is refused where names would be one', async () => {
    const ignore = (value: string) => edge.run('option.set', { category: 'login', key: 'ignore.case', value })
    await edge.addUser('Bob', 'Viewer')
    await edge.addUser('bob', 'Viewer')
    await expect(ignore('true')).rejects.toMatchObject({ code: 'name_taken' })
    await edge.run('user.remove', { name: 'bob' })
    expect(await edge.signIn('BOB')).toBeUndefined()
    await ignore('true')
    expect(await edge.introspect(await edge.signIn('BOB'))).toMatchObject({ sub: 'Bob' })
    await expect(edge.addUser('bOb', 'Viewer')).rejects.toMatchObject({ code: 'name_taken' })
    await ignore('false')
    expect(await edge.signIn('BOB')).toBeUndefined()
  })

  test('guesses by the name and by the alias are counted together', async () => {
    await edge.run('user.add', { name: 'gus', alias: 'august', roles: ['Viewer'], password })
    const guess = (username: string) =>
      edge.ask('/device/edge/api/v1/login/direct', {
        method: 'POST',
        body: { username, password: 'not the password' },
      })
    for (const name of ['gus', 'august', 'gus', 'august', 'gus']) expect((await guess(name)).status).toBe(401)
    expect((await guess('august')).status).toBe(429)
    await edge.run('user.unlock', { name: 'gus' })
  })
})

describe('roles of another user', () => {
  test('are added, or take the place of the own ones', async () => {
    await edge.run('appGroup.add', { name: 'hall', apps: ['press'] })
    await edge.run('user.set', { name: 'ann', scopedRoles: { hall: ['Viewer'] } })
    await edge.addUser('cop', 'Viewer')
    const copy = (copyMode?: string) =>
      edge.run('user.set', { name: 'cop', copyRolesFrom: 'ann', ...(copyMode && { copyMode }) })
    expect(await copy()).toMatchObject({ roles: ['Viewer', 'Operator'], scopedRoles: { hall: ['Viewer'] } })
    expect(await copy('replace')).toMatchObject({ roles: ['Operator'], scopedRoles: { hall: ['Viewer'] } })
    await edge.run('user.set', { name: 'ann', scopedRoles: {} })
  })
})

describe('a reset code', () => {
  const form = async (fields: Record<string, string>, path = loginPath) => {
    const page = await edge.ask(loginPath)
    const token = /name="form_token" value="([^"]*)"/.exec(page.text)?.[1] as string
    const body = new URLSearchParams({ form_token: token, ...fields })
    return edge.ask(path, { method: 'POST', body, headers: { cookie: page.cookie('edgeward_login') ?? '' } })
  }
  const redeem = async (username: string, code: string) => {
    const answer = await form({ username, password: code })
    return { status: answer.status, ticket: /name="ticket" value="([^"]*)"/.exec(answer.text)?.[1] }
  }
  const make = async (name: string) => ((await edge.run('user.resetCode', { name })) as { code: string }).code

  test('opens the choice of a new password, once, and nothing else', async () => {
    await edge.addUser('rex', 'Viewer')
    const code = await make('rex')
    expect(await edge.signIn('rex', code)).toBeUndefined()
    expect(await redeem('ann', code)).toMatchObject({ ticket: undefined })
    await edge.restart()
    const { ticket = '' } = await redeem('rex', ` ${code.toUpperCase()} `)
    expect(ticket).not.toBe('')
    expect(await redeem('rex', code)).toMatchObject({ ticket: undefined })
    expect(await edge.introspect(await edge.signIn('rex'))).toMatchObject({ active: true }) // until then
    const chosen = { ticket, password: 'another password', repeated: 'another password' }
    expect((await form(chosen, `${loginPath}/new-password`)).status).toBe(303)
    expect(await edge.signIn('rex')).toBeUndefined()
  })

  test.each([
    ['when it is old', () => edge.passTime(15 * 60_000)],
    ['when there is a newer one', () => make('rex')],
    ['when the user is changed', () => edge.run('user.set', { name: 'rex', roles: ['Operator'] })],
  ])('is no longer good %s', async (_when, happen) => {
    const code = await make('rex')
    await happen()
    expect(await redeem('rex', code)).toMatchObject({ ticket: undefined })
    await edge.run('user.unlock', { name: 'rex' })
  })

  test('can take the place of the first password', async () => {
    const added = (await edge.run('user.add', { name: 'neu', roles: ['Viewer'], resetCode: true })) as object
    expect(added).toMatchObject({ resetCode: { code: expect.stringMatching(/^[0-9a-f-]{24}$/) } })
    expect(added).not.toHaveProperty('password')
    const { code } = (added as { resetCode: { code: string } }).resetCode
    expect((await redeem('neu', code)).ticket).toBeDefined()
  })
})
