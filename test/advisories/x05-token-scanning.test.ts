import { afterAll, beforeAll, expect, test } from 'vitest'
import { runProgram } from '../harness.ts'
import { type Box, openBox } from './boxed.ts'
import { addApp, formHeader, introspectPath } from './oauth-app.ts'

let box: Box
let internal: string
beforeAll(async () => {
  box = await openBox({
    proxied: false,
    env: { EDGEWARD_AUTH_INTROSPECT_LISTEN: '127.0.0.1:0', EDGEWARD_AUTH_INTROSPECT_RATE: '20/10m' },
  })
  internal = (box.gateway.addresses as unknown as { introspect: string }).introspect
})
afterAll(() => box[Symbol.asyncDispose]())

test('X5: who is not on the apps’ network shows credentials, whatever it says about its address', async () => {
  const body = `token=${await box.token('ann')}`
  for (const address of ['127.0.0.1', '::1', '172.17.0.2', 'unknown']) {
    const claimed = {
      ...{ 'x-forwarded-for': address, 'x-real-ip': address, forwarded: `for=${address}` },
      'x-forwarded-host': new URL(internal).host,
    }
    for (const ask of [box.ask, box.askAsProxy]) {
      const answer = await ask(introspectPath, {
        method: 'POST',
        headers: { ...formHeader, ...claimed },
        body,
      })
      expect(answer.status).toBe(401)
    }
  }
})

test('X5: who tries many tokens without credentials is told to wait; an app with credentials is not', async () => {
  const curl = async (token: string, ...more: string[]) => {
    const form = [
      '-H',
      'Content-Type: application/x-www-form-urlencoded',
      '--data-urlencode',
      `token=${token}`,
    ]
    const written = ['-s', '-o', '/dev/null', '-w', '%{http_code} %header{retry-after}']
    const { stdout } = await runProgram('curl', [...written, ...form, ...more, internal + introspectPath])
    return stdout.trim()
  }
  for (let n = 0; n < 20; n++) expect(await curl(`guess-${n}`)).toBe('200')
  expect(await curl('guess-20')).toMatch(/^429 \d+$/)
  expect(await curl('guess-21', '-H', 'X-Forwarded-For: 10.0.0.1')).toMatch(/^429 \d+$/)
  const app = await addApp(box, 'asking')
  expect(await curl('guess-22', '-u', `asking:${app.secret}`)).toBe('200')
  expect(await app.introspect(await box.token('ann'))).toMatchObject({ active: true })
})
