import { expect, test } from 'vitest'
import { createAdmitAddresses } from './addresses.ts'

const admit = createAdmitAddresses({ allowPrivate: ['10.1.0.0/16', 'fd12::/16'] })

test.each([
  ...['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1'],
  ...[
    '0.0.0.0',
    '::',
    '169.254.169.254',
    '::ffff:169.254.169.254',
    'fe80::1',
    'fe80::1%eth0',
    'fd00:ec2::254',
  ],
  ...['100.100.100.200', '224.0.0.1', '255.255.255.255', 'ff02::1', '64:ff9b::a9fe:a9fe', '2002:7f00:1::'],
  ...['64:ff9b:1::a9fe:a9fe', '2001:0:7f00:1::1'],
  ...['10.2.0.1', '192.168.0.1', '172.16.0.1', '100.64.0.1', 'fd13::1', '::ffff:10.2.0.1'],
])('%s is no place of an identity provider', (address) => {
  expect(() => admit([address], false)).toThrow(expect.objectContaining({ code: 'address_refused' }))
  expect(() => admit(['192.0.2.1', address], false)).toThrow()
})

test('public addresses and the allowed networks of the plant are, and this machine where that is said', () => {
  admit(['192.0.2.1', '2001:db8::1', '10.1.2.3', 'fd12::1'], false)
  admit(['127.0.0.1', '::1'], true)
  expect(() => admit(['169.254.169.254'], true)).toThrow()
})

test('what is no network is refused with its setting', () => {
  for (const entry of ['10.0.0.0', '10.0.0.0/33', 'plant/8', '10.0.0.0/'])
    expect(() => createAdmitAddresses({ allowPrivate: [entry] })).toThrow(/auth\.sso_allow_private/)
})
