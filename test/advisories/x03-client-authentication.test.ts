import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Box, openBox } from './boxed.ts'
import {
  addApp,
  basic,
  formHeader,
  introspectPath,
  type OauthApp,
  revokePath,
  tokenPath,
} from './oauth-app.ts'

let box: Box
let app: OauthApp
let rotated: OauthApp
let removed: OauthApp
let token: string
beforeAll(async () => {
  box = await openBox({ proxied: false })
  app = await addApp(box, 'asking')
  rotated = await addApp(box, 'rotated')
  removed = await addApp(box, 'removed')
  await box.gateway.operate('app.rotateSecret', { name: 'rotated' })
  await box.gateway.operate('app.remove', { name: 'removed' })
  token = await box.token('ann')
})
afterAll(() => box[Symbol.asyncDispose]())

const endpoints = [introspectPath, `${introspectPath}/`, tokenPath, revokePath]

/** Ways to be nobody: headers and fields. */
const ways: Record<string, () => [Record<string, string>, Record<string, string>]> = {
  'no credentials': () => [{}, {}],
  'the id alone': () => [{}, { client_id: 'asking' }],
  'an empty secret': () => [{}, { client_id: 'asking', client_secret: '' }],
  'a wrong secret': () => [{}, { client_id: 'asking', client_secret: 'wrong' }],
  'another app’s secret': () => [{}, { client_id: 'press', client_secret: app.secret }],
  'an unknown app with a secret': () => [{}, { client_id: 'nobody', client_secret: app.secret }],
  'the public client id of people’s tokens': () => [{}, { client_id: 'authsdk', client_secret: 'x' }],
  'an old secret': () => [{}, { client_id: rotated.id, client_secret: rotated.secret }],
  'a removed app': () => [{}, { client_id: removed.id, client_secret: removed.secret }],
  'Basic, empty secret': () => [{ authorization: basic('asking', '') }, {}],
  'Basic, no colon': () => [{ authorization: `Basic ${Buffer.from('asking').toString('base64')}` }, {}],
  'Basic, bad base64': () => [{ authorization: 'Basic %%%' }, {}],
  'Basic, nothing': () => [{ authorization: 'Basic ' }, {}],
  'Basic, an old secret': () => [{ authorization: rotated.authorization }, {}],
  'Basic, a removed app': () => [{ authorization: removed.authorization }, {}],
  'Basic of one app and the id of another': () => [
    { authorization: app.authorization },
    { client_id: 'press' },
  ],
  'both Basic and body': () => [
    { authorization: app.authorization },
    { client_id: 'asking', client_secret: app.secret },
  ],
  'a good secret twice': () => [
    {},
    { client_id: 'asking', client_secret: `${app.secret}&client_secret=${app.secret}` },
  ],
  'a token as Bearer': () => [{ authorization: `Bearer ${token}` }, {}],
  'a person’s password': () => [{ authorization: basic('ann', 'correct horse battery') }, {}],
  'an assertion of nothing': () => [
    {},
    {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: token,
    },
  ],
}

test.each(endpoints)('X3: %s does nothing for who does not show which app it is', async (path) => {
  for (const [name, way] of Object.entries(ways)) {
    const [headers, fields] = way()
    const all = Object.entries({ grant_type: 'client_credentials', token, ...fields })
    const body = all.map(([key, value]) => `${key}=${value}`).join('&')
    const answer = await box.ask(path, { method: 'POST', headers: { ...formHeader, ...headers }, body })
    expect([400, 401], name).toContain(answer.status)
    if (answer.status === 401) expect(answer.headers['www-authenticate'], name).toBe('Basic realm="edgeward"')
    expect(answer.text, name).not.toMatch(/active|access_token|secret\b.*wrong secret/)
  }
  expect(await app.introspect(token)).toMatchObject({ active: true })
  expect(await box.audit('client_refused')).not.toEqual([])
})
