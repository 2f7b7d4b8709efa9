import { expect, test } from 'vitest'
import { isPatched } from './node-version.ts'

test.each<[string, boolean]>([
  ['20.20.2', false],
  ['22.23.3', false],
  ['22.23.4', true],
  ['24.21.0', false],
  ['24.22.0', false],
  ['24.22.1', true],
  ['24.30.0', true],
  ['25.9.0', false],
  ['26.12.0', false],
  ['26.12.1', true],
  ['28.0.0', true],
])('Node %s decodes Brotli safely: %s', (version, safe) => {
  expect(isPatched(version)).toBe(safe)
})
