import { expect, test } from 'vitest'
import { parseTokenUri } from './uri.ts'

const query = '?module-path=/usr/lib/p11.so&pin-source=file:/etc/edgeward/pin'

test('the attributes of RFC 7512 that name one key', () => {
  expect(parseTokenUri(`pkcs11:token=plant%20A;id=%01%ff;object=ca%3B1;type=private${query}`)).toEqual({
    module: '/usr/lib/p11.so',
    token: 'plant A',
    id: '01ff',
    label: 'ca;1',
    pinFile: '/etc/edgeward/pin',
  })
})

test.each([
  ['/etc/edgeward/pin', '/etc/edgeward/pin'],
  ['file:/etc/edgeward/pin', '/etc/edgeward/pin'],
  ['file:///etc/edgeward/my%20pin', '/etc/edgeward/my pin'],
])('the PIN lies in %s', (source, file) => {
  const uri = `pkcs11:token=t;id=%01?module-path=/p.so&pin-source=${source}`
  expect(parseTokenUri(uri).pinFile).toBe(file)
})

test.each([
  ['/etc/key.pem', 'is no pkcs11: address'],
  [`pkcs11:token=t;id=%01${query}&pin-value=1234`, 'must not hold the PIN'],
  [`pkcs11:id=%01${query}`, 'lacks token'],
  [`pkcs11:token=t${query}`, 'lacks id'],
  ['pkcs11:token=t;id=%01?module-path=/p.so', 'lacks pin-source'],
  ['pkcs11:token=t;id=%01?module-path=p.so&pin-source=/pin', 'needs a full path'],
  ['pkcs11:token=t;id=%01?module-path=/p.so&pin-source=|prog', 'needs a file as pin-source'],
  ['pkcs11:token=t;id=%01?module-path=/p.so&pin-source=file://host/pin', 'needs a file as pin-source'],
  [`pkcs11:token=t;id=%01;serial=7${query}`, 'not known: serial'],
  [`pkcs11:token=t;id=%01;type=cert${query}`, 'names no private key'],
])('%s is refused', (uri, why) => {
  expect(() => parseTokenUri(uri)).toThrow(why)
})

test('a PIN in the address is not repeated', () => {
  expect(() => parseTokenUri(`pkcs11:token=t;id=%01${query}&pin-value=4711`)).toThrow(
    expect.not.objectContaining({ message: expect.stringContaining('4711') }),
  )
})
