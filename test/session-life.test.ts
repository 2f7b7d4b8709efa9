import { globSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openNetwork } from '../core/net/index.ts'
import { introspectPath, password } from './edge-auth.ts'
import { type Gateway, startGateway, type TempDir, tempDir } from './harness.ts'
import { describeWith } from './peers.ts'

const network = openNetwork()

interface App {
  client_id: string
  client_secret: string
}

const post = (gateway: Gateway, path: string, headers: Record<string, string>, body: string) =>
  network.http({ method: 'POST', url: `${gateway.addresses.auth}${path}`, headers, body: Buffer.from(body) })

async function signIn(gateway: Gateway, username = 'ann'): Promise<string> {
  const answer = await post(
    gateway,
    '/device/edge/api/v1/login/direct',
    { 'content-type': 'application/json' },
    JSON.stringify({ username, password }),
  )
  expect(answer.status).toBe(200)
  return JSON.parse(answer.body.toString()).access_token
}

async function isActive(gateway: Gateway, app: App, token: string): Promise<boolean> {
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    authorization: `Basic ${Buffer.from(`${app.client_id}:${app.client_secret}`).toString('base64')}`,
  }
  const answer = await post(gateway, introspectPath, headers, new URLSearchParams({ token }).toString())
  expect(answer.status).toBe(200)
  return JSON.parse(answer.body.toString()).active
}

const addUser = (gateway: Gateway, name: string, role = 'Viewer') =>
  gateway.operate('user.add', { name, roles: [role], password })
const addApp = (gateway: Gateway) => gateway.operate<App>('app.add', { name: 'press', version: '1' })

test('what ended a session survives kill -9 right after the answer', async () => {
  await using dir = await tempDir()
  const start = () => startGateway(`${dir.path}/box`)
  let gateway = await start()
  try {
    const app = await addApp(gateway)
    await addUser(gateway, 'root', 'Admin')
    const killed = new Map<string, string>()
    const endings: [string, (gateway: Gateway, token: string, name: string) => Promise<unknown>][] = [
      [
        'logout',
        async (at, token) => {
          const headers = { cookie: `access_token=${token}` }
          expect((await post(at, '/device/edge/auth/logout', headers, '')).status).toBe(204)
        },
      ],
      [
        'everywhere',
        async (at, token) => {
          const headers = { cookie: `access_token=${token}` }
          expect((await post(at, '/device/edge/auth/logout?everywhere=1', headers, '')).status).toBe(204)
        },
      ],
      ['disabled', (at, _token, name) => at.operate('user.disable', { name })],
    ]
    for (const [name, end] of endings) {
      await addUser(gateway, name)
      const token = await signIn(gateway, name)
      const bystander = await signIn(gateway, 'root')
      expect(await isActive(gateway, app, token)).toBe(true)
      await end(gateway, token, name)
      await gateway.stop('SIGKILL')
      gateway = await start()
      killed.set(name, token)
      for (const [how, old] of killed) expect([how, await isActive(gateway, app, old)]).toEqual([how, false])
      expect(await isActive(gateway, app, bystander)).toBe(true)
    }
    const all = await signIn(gateway, 'root')
    await gateway.operate('session.end', { all: true })
    await gateway.stop('SIGKILL')
    gateway = await start()
    expect(await isActive(gateway, app, all)).toBe(false)
  } finally {
    await gateway.stop('SIGKILL')
  }
})

describeWith(['faketime'], 'while the clock of the box is set back and forth', () => {
  /** Debian keeps it in a folder of the architecture. */
  const library = (): string => globSync('/usr/lib{,/*}/faketime/libfaketime.so.1')[0] as string

  async function boxWithClock(dir: TempDir) {
    const file = join(dir.path, 'clock')
    const set = (to: string) => writeFile(file, `${to}\n`)
    await set('+0')
    const env = {
      ...{ LD_PRELOAD: library(), DONT_FAKE_MONOTONIC: '1', FAKETIME_NO_CACHE: '1' },
      ...{ FAKETIME_TIMESTAMP_FILE: file, EDGEWARD_AGENT_TRUST_NTP: 'false' },
    }
    return { set, start: () => startGateway(join(dir.path, 'box'), env) }
  }

  test('no session of the running daemon ends and none comes back, also over kill -9', async () => {
    await using dir = await tempDir()
    const box = await boxWithClock(dir)
    let gateway = await box.start()
    try {
      const app = await addApp(gateway)
      await addUser(gateway, 'ann', 'Admin')
      const [ended, live] = [await signIn(gateway), await signIn(gateway)]
      const listed = await gateway.operate<{ id: string }[]>('session.list')
      await gateway.operate('session.end', { id: listed[0]?.id })
      const expectUnchanged = async () => {
        expect([await isActive(gateway, app, live), await isActive(gateway, app, ended)]).toEqual([
          true,
          false,
        ])
      }
      for (const clock of ['+400d', '-400d']) {
        await box.set(clock)
        await expectUnchanged()
        await gateway.stop('SIGKILL')
        gateway = await box.start()
        await expectUnchanged()
      }
      await box.set('+30d')
      const later = await signIn(gateway)
      await box.set('-30d')
      expect(await isActive(gateway, app, later)).toBe(true)
    } finally {
      await gateway.stop('SIGKILL')
    }
  })
})
