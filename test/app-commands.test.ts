import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exportJWK, generateKeyPair } from 'jose'
import { expect, test } from 'vitest'
import { edgeward, tempDir } from './harness.ts'

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
