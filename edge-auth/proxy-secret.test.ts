import { expect, test } from 'vitest'
import { createProxySecret } from './proxy-secret.ts'

test.each(['', 'short', 'a'.repeat(31), `${'a'.repeat(20)} ${'b'.repeat(20)}`, 'é'.repeat(40)])(
  'a secret that could be guessed or mangled is refused: %j',
  (secret) => expect(() => createProxySecret(secret)).toThrow(/auth.proxy_secret_file/),
)

test('the secret is the line of its file, and nothing like it', () => {
  const text = '0123456789abcdef0123456789abcdef'
  const secret = createProxySecret(`${text}\n`)
  expect(secret.isIn({ 'x-edgeward-proxy': text })).toBe(true)
  for (const sent of [undefined, '', text.slice(1), `${text} `, `${text}, ${text}`, text.toUpperCase()])
    expect(secret.isIn(sent === undefined ? {} : { 'x-edgeward-proxy': sent })).toBe(false)
})
