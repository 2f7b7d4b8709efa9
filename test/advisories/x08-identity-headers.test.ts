import { afterAll, beforeAll, expect, test } from 'vitest'
import { otherSpellings } from '../../edge-auth/test-guard.ts'
import { loginPath } from '../edge-auth.ts'
import { describeWith } from '../peers.ts'
import { type Box, openBox } from './boxed.ts'

describeWith(['nginx', 'caddy'], 'X8: an app sees no identity but ours', () => {
  let box: Box
  beforeAll(async () => {
    box = await openBox()
  })
  afterAll(() => box[Symbol.asyncDispose]())

  const names = ['X-Auth-User', 'X-Auth-Roles'].flatMap((name) => [
    ...[name, name.toLowerCase(), name.toUpperCase()],
    ...otherSpellings(name),
  ])
  /** As a server that takes "_" and "." for "-" reads them. */
  const read = (headers: object) => {
    const all = Object.entries(headers).map(([name, value]) => [
      name.toLowerCase().replaceAll(/[_.]/g, '-'),
      value,
    ])
    return all.filter(([name]) => name === 'x-auth-user' || name === 'x-auth-roles').sort()
  }

  test('in whatever spelling a client sends it, on requests and on WebSockets, signed in or not', async () => {
    for (const { name, browser } of box.proxies) {
      const [ann, stranger] = [browser(), browser()]
      await ann.signIn(loginPath)
      for (const header of names) {
        const lie = { [header]: 'root' }
        const where = `${name} ${header}`
        const { headers } = JSON.parse((await ann.get('/press/', lie)).text)
        expect(read(headers), where).toEqual([
          ['x-auth-roles', 'Operator'],
          ['x-auth-user', 'ann'],
        ])
        const board = JSON.parse((await stranger.get('/press/andon/', lie)).text)
        expect(read(board.headers), where).toEqual([])
      }
      const lies = Object.fromEntries(names.map((header) => [header, 'root']))
      expect(await ann.upgrade('/press/live', lies)).toBe(101)
      expect(read(box.echo.seen.at(-1)?.headers ?? {})).toEqual([
        ['x-auth-roles', 'Operator'],
        ['x-auth-user', 'ann'],
      ])
    }
  })

  test('a client cannot have ours taken away or doubled', async () => {
    for (const { browser } of box.proxies) {
      const ann = browser()
      await ann.signIn(loginPath)
      for (const connection of ['close, X-Auth-User', 'X-Auth-Roles, X-Auth-User', 'Cookie']) {
        const { headers } = JSON.parse((await ann.get('/press/', { connection })).text)
        expect([headers['x-auth-user'], headers['x-auth-roles']]).toEqual(['ann', 'Operator'])
      }
    }
  })
})
