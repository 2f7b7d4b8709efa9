import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exportJWK, generateKeyPair } from 'jose'
import { connectAsync } from 'mqtt'
import { expect, test } from 'vitest'
import { edgeward, startGateway, tempDir } from './harness.ts'

test('an app is registered by its public keys, renewed and granted from the command line', async () => {
  await using dir = await tempDir()
  const command = async (...args: string[]) => {
    const { code, stdout, stderr } = await edgeward([
      ...args,
      '--json',
      '--state-dir',
      join(dir.path, 'state'),
    ])
    return { code, stderr, result: stdout === '' ? undefined : JSON.parse(stdout) }
  }
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const [jwks, secret] = [join(dir.path, 'jwks.json'), join(dir.path, 'private.json')]
  await writeFile(jwks, JSON.stringify({ keys: [await exportJWK(publicKey)] }))
  await writeFile(secret, JSON.stringify(await exportJWK(privateKey)))

  expect((await command('app', 'add', 'press', '--version', '1', '--jwks', jwks)).result).toEqual({
    client_id: 'press',
  })
  const refused = await command('app', 'add', 'oven', '--version', '1', '--jwks', secret)
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('the key is secret')])
  await command('app', 'grant', 'press', 'introspect:all')
  const wrong = await command('app', 'grant', 'press', 'everything')
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('introspect:all')])
  const list = async () => (await command('app', 'list')).result
  expect(await list()).toMatchObject([
    { client_id: 'press', grants: ['introspect:all'], versions: [{ version: '1', credential: 'keys' }] },
  ])

  const renewed = await command('app', 'rotate-secret', 'press')
  expect(renewed.result).toEqual({ client_id: 'press', client_secret: expect.stringMatching(/^[\w-]{43}$/) })
  await command('app', 'grant', 'press')
  expect(await list()).toMatchObject([{ grants: [], versions: [{ credential: 'secret' }] }])
})

test('a secret goes to a file that its owner alone can read, and systemd is told where it is', async () => {
  await using dir = await tempDir()
  const stateDir = join(dir.path, 'state')
  const command = (...args: string[]) => edgeward([...args, '--json', '--state-dir', stateDir])
  const path = join(dir.path, 'secret')
  const where = ['--secret-file', path, '--systemd-unit', 'press.service']
  const added = await command('app', 'add', 'press', '--version', '1', ...where)
  const secret = (await readFile(path, 'utf8')).trim()
  expect(secret).toMatch(/^[\w-]{43}$/)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(added.stdout + added.stderr).not.toContain(secret)
  expect(JSON.parse(added.stdout)).toEqual({
    ...{ client_id: 'press', secret_file: path },
    drop_in: `[Service]\nLoadCredential=edgeward-client-secret:${path}\nEnvironment=EDGEWARD_CLIENT_ID=press`,
  })

  const rotated = await command('app', 'rotate-secret', 'press', '--secret-file', path, '--as-env')
  expect(rotated.code).toBe(0)
  expect(await readFile(path, 'utf8')).toMatch(
    /^EDGEWARD_CLIENT_ID=press\nEDGEWARD_CLIENT_SECRET=[\w-]{43}\n$/,
  )
  const nowhere = join(dir.path, 'no', 'such', 'dir')
  const failed = await command('app', 'rotate-secret', 'press', '--secret-file', nowhere)
  expect([failed.code, failed.stderr]).toEqual([2, expect.stringContaining('rotate-secret press')])
  expect((await command('app', 'add', 'x', '--version', '1', '--as-env')).code).toBe(2)
})

test('what an app may is set, shown and taken away on the command line', async () => {
  await using dir = await tempDir()
  await using gateway = await startGateway(dir.path)
  const command = async (...args: string[]) => {
    const { code, stdout, stderr } = await edgeward([...args, '--json', '--state-dir', dir.path])
    return { code, stderr, result: stdout === '' ? undefined : JSON.parse(stdout) }
  }
  const { result } = await command('app', 'add', 'press', '--version', '1')
  const password = (result as { client_secret: string }).client_secret
  const options = { username: 'press', password, reconnectPeriod: 0 }
  await using held = new AsyncDisposableStack()
  const client = held.adopt(await connectAsync(gateway.addresses.mqtt, options), (mqtt) =>
    mqtt.endAsync(true),
  )
  await client.publishAsync('apps/press/x', '1', { qos: 1 })

  const filters = ['--publish', 'plant/#', '--max-messages', '10']
  const edited = await command('app', 'edit', 'press', '--access', 'limited', ...filters)
  expect(edited.result).toMatchObject({
    ...{ access: 'limited', topics: { publish: ['plant/#'], subscribe: [] } },
    quota: { messages: 10, bytes: null },
  })
  const again = held.adopt(await connectAsync(gateway.addresses.mqtt, options), (mqtt) => mqtt.endAsync(true))
  await again.publishAsync('plant/line/1', '1', { qos: 1 })
  expect((await command('app', 'show', 'press')).result).toMatchObject({
    health: { broker: { connections: 1, published: 2, denied: 0 }, guard: { passed: 0 } },
  })
  const closed = new Promise<void>((resolve) => again.once('close', () => resolve()))
  expect((await command('app', 'disable', 'press')).code).toBe(0)
  await closed
  await expect(connectAsync(gateway.addresses.mqtt, options, false)).rejects.toThrow(/username or password/)
  expect((await command('app', 'edit', 'press', '--scope', 'files:read')).code).toBe(2)
  expect((await command('option', 'set', 'application', 'default.app', 'press')).result).toMatchObject({
    ...{ value: 'press', revision: 1 },
  })
  expect((await command('option', 'list')).result).toMatchObject([{ category: 'application' }])
  expect((await command('option', 'remove', 'application', 'default.app')).code).toBe(0)
})
