import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isPlainTarget, loginFor, returnPath } from './path.ts'

test.each([
  '/',
  '/app/',
  '/app/page?tab=2&next=%2Fother',
  '/caf%C3%A9/a-b_c~d',
  '/a%20b',
  '/a?u=https://e.example',
])('%s is a way back', (path) => expect(returnPath(path)).toBe(path))

test.each([
  '//e.example',
  '///e.example',
  '/\\e.example',
  '\\/e.example',
  '/\t/e.example',
  '/\n/e.example',
  '/%0d%0aSet-Cookie:x=y',
  '/%09/e.example',
  'https:e.example',
  'https:///e.example',
  'https://e.example/',
  'https://box.invalid/app',
  'javascript:alert(1)',
  'data:text/html,x',
  '/%2f/e.example',
  '/%5Ce.example',
  '/.//e.example',
  '/app/..//e.example',
  '/a/%2e%2e//e.example',
  'user@e.example',
  '/。。/e',
  '/app#fragment',
  '',
  ' /app',
  `/${'a'.repeat(10_240)}`,
  ['/a', '/b'],
  undefined,
])('%j is no way back', (path) => expect(returnPath(path)).toBeUndefined())

test('whatever is a way back stays on the same origin, under any reading', () => {
  const fragments = fc.constantFrom(
    '/',
    '\\',
    '.',
    '..',
    '%2f',
    '%5c',
    '\t',
    '@',
    ':',
    'e.example',
    'https:',
    '?',
    '#',
    ';',
  )
  fc.assert(
    fc.property(fc.array(fragments, { maxLength: 8 }), (parts) => {
      const path = returnPath(`/${parts.join('')}`)
      if (path === undefined) return
      const url = new URL(path, 'https://10.0.0.7:8443/device/edge/auth/login')
      expect(url.origin).toBe('https://10.0.0.7:8443')
      expect(decodeURIComponent(url.pathname)).not.toMatch(/^\/[/\\]/)
    }),
    { numRuns: 2000 },
  )
})

test.each([
  '/app/../x',
  '/app/./x',
  '/app/%2e%2e/x',
  '/app/%2E/x',
  '/a%2fb',
  '//app',
  '/app//x',
  '/app;x=1',
  '/app/..;/x',
  '/app#x',
  '/app/%00',
  '/%c0%af/x',
  '/app/%ff',
  '/%61pp',
  '/app/%7f',
  '/%zz',
  '/a%',
  'app',
  'http://e/app',
])('no decision is made about %s', (target) => expect(isPlainTarget(target)).toBe(false))

test('the way to the login page keeps the whole target, query included', () => {
  expect(loginFor('/app?a=1&b=2')).toBe('/device/edge/auth/login?rd=%2Fapp%3Fa%3D1%26b%3D2')
})
