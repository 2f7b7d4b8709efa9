import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { edgeward, tempDir } from './harness.ts'

test('an identity provider is set up, shown without its secret, and removed from the command line', async () => {
  await using dir = await tempDir()
  const sso = (args: string[], input = '') =>
    edgeward(['--state-dir', dir.path, '--json', 'sso', ...args], { input })
  const settings = join(dir.path, 'plant.json')
  const rules = [{ when: [{ claim: 'groups', operator: 'in', value: 'ops' }], roles: ['Operator'] }]
  await writeFile(settings, JSON.stringify({ mapping: { mode: 'merge', rules } }))

  const template = ['--template', 'keycloak', '--keycloak-url', 'https://sso.invalid', '--realm', 'plant']
  const given = [...template, '--client-id', 'box', '--settings', settings]
  const put = await sso(['put', 'plant', ...given, '--secret-stdin'], 'a secret of the box\n')
  expect(put.stderr).toBe('')
  expect(JSON.parse(put.stdout)).toMatchObject({
    ...{ name: 'plant', template: 'keycloak', issuer: 'https://sso.invalid/realms/plant', revision: 1 },
    ...{ hasSecret: true, mapping: { mode: 'merge', rules } },
  })
  expect((await sso(['test', 'plant'])).code).toBe(5)
  const list = await sso(['list'])
  expect(JSON.parse(list.stdout)).toHaveLength(1)
  expect(put.stdout + list.stdout).not.toContain('a secret of the box')
  expect((await sso(['remove', 'plant'])).code).toBe(0)
})
