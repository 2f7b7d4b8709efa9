import { afterAll, beforeAll, expect, test } from 'vitest'
import { runProgram } from '../harness.ts'
import { describeWith } from '../peers.ts'
import { type OauthBox, openOauthBox } from './oauth-box.ts'

describeWith(['curl'], 'curl, as the product documents it,', () => {
  let box: OauthBox
  beforeAll(async () => {
    box = await openOauthBox()
  })
  afterAll(() => box[Symbol.asyncDispose]())

  /** The documented call, but for where: that is a name on the apps' own network. */
  const documented = (host: string, token: string, path = '/device/edge/auth/oauth2/introspect/') => [
    ...['--location', '--request', 'POST', host + path],
    ...['--header', 'Content-Type: application/x-www-form-urlencoded'],
    ...['--data-urlencode', `token=${token}`],
  ]

  test.each(['/device/edge/auth/oauth2/introspect/', '/device/edge/auth/oauth2/introspect'])(
    'introspects at %s, under any host name',
    async (path) => {
      const token = await box.token('ann')
      for (const host of ['edge-iot-core.proxy-redirect', '10.0.0.7:8443', 'box']) {
        const args = [...documented(box.addresses.introspect, token, path), '--header', `Host: ${host}`]
        const { code, stdout } = await runProgram('curl', ['--silent', '--fail', ...args])
        expect(code).toBe(0)
        expect(JSON.parse(stdout)).toMatchObject({ active: true, sub: 'ann', ext: { roles: ['Admin'] } })
      }
    },
  )

  test('is told that a token is not active', async () => {
    const { stdout } = await runProgram('curl', [
      '--silent',
      ...documented(box.addresses.introspect, 'garbage'),
    ])
    expect(stdout).toBe('{"active":false}')
  })

  test('needs credentials where everybody can ask', async () => {
    const { client_secret: secret } = await box.addApp('press')
    const args = ['--silent', ...documented(box.addresses.auth, await box.token('ann'))]
    const nobody = await runProgram('curl', [...args, '--output', '/dev/null', '--write-out', '%{http_code}'])
    expect(nobody.stdout).toBe('401')
    const app = await runProgram('curl', [...args, '--user', `press:${secret}`])
    expect(JSON.parse(app.stdout)).toMatchObject({ active: true })
  })
})
