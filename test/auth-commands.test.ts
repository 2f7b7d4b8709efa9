import { expect, test } from 'vitest'
import { edgeward, startGateway, tempDir } from './harness.ts'

test('the keys that sign tokens are rotated from the command line, with the daemon running or not', async () => {
  await using dir = await tempDir()
  const rotate = (...options: string[]) =>
    edgeward(['auth', 'rotate-keys', ...options, '--state-dir', dir.path])
  const first = JSON.parse((await rotate('--json')).stdout) as { kid: string; published: string[] }
  expect(first.published).toContain(first.kid)

  await using gateway = await startGateway(dir.path)
  const told = await rotate()
  expect(told).toMatchObject({ code: 0, stderr: '' })
  const kid = /^signing with +(\S+)$/m.exec(told.stdout)?.[1]
  expect(kid).not.toBe(first.kid)
  expect(first.published).toContain(kid) // known before it signs
  expect(told.stdout).toContain(first.kid)
  const jwks = await fetch(`${gateway.addresses.auth}/device/edge/auth/oauth2/jwks`)
  const kids = ((await jwks.json()) as { keys: { kid: string }[] }).keys.map((key) => key.kid)
  expect(kids).toEqual(expect.arrayContaining([kid, first.kid]))
})
