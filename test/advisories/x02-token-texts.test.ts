import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Box, openBox, verifyPath } from './boxed.ts'
import { addApp, inactive, inParallel, type OauthApp, revokePath } from './oauth-app.ts'

let box: Box
let app: OauthApp
beforeAll(async () => {
  box = await openBox({ proxied: false })
  app = await addApp(box, 'asking')
})
afterAll(() => box[Symbol.asyncDispose]())

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Other texts that a lenient decoder reads as the same three parts. */
function variants(token: string): string[] {
  const parts = token.split('.')
  const inPart = (index: number, change: (part: string) => string) =>
    parts.map((part, at) => (at === index ? change(part) : part)).join('.')
  const everywhere = [0, 1, 2].flatMap((index) => [
    ...['=', '==', '\n', '\r\n', ' ', '\t', '\0', '%3D', '+', '\u200b'].map((added) =>
      inPart(index, (part) => part + added),
    ),
    ...[1, 5, 20].flatMap((at) =>
      [' ', '\n', '='].map((added) => inPart(index, (part) => part.slice(0, at) + added + part.slice(at))),
    ),
    inPart(index, (part) => part.replaceAll('-', '+').replaceAll('_', '/')),
    ...[1, 2, 3].map((bits) =>
      inPart(index, (part) => {
        const last = alphabet.indexOf(part.at(-1) as string)
        return part.slice(0, -1) + alphabet[last ^ bits]
      }),
    ),
  ])
  const whole = [
    `${token}.`,
    `.${token}`,
    `${token}..`,
    `"${token}"`,
    `Bearer ${token}`,
    ` ${token}`,
    `${token}\n`,
  ]
  return [...new Set([...everywhere, ...whole])].filter((text) => text !== token)
}

test('X2: a token has one text, and none of the others outlives its revocation', async () => {
  const token = await box.token('ann')
  const others = variants(token)
  const active = async () => {
    const found: string[] = []
    await inParallel(others, 8, async (text) => {
      if (((await app.introspect(text)) as { active: boolean }).active) found.push(text)
    })
    return found
  }
  expect(await active()).toEqual([])
  expect(await app.introspect(token)).toMatchObject({ active: true })
  expect((await app.post(revokePath, { token })).status).toBe(200)
  expect(await app.introspect(token)).toEqual(inactive)
  expect(await active()).toEqual([])
  for (const text of others.filter((other) => /^[\x21-\x7e]*$/.test(other))) {
    const headers = {
      cookie: `access_token=${text}`,
      'x-original-uri': '/press/',
      'x-original-method': 'GET',
    }
    expect((await box.askAsProxy(verifyPath, { headers })).status).not.toBe(200)
  }
})
