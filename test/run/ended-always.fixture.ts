import { test } from 'vitest'

test('is ended by V8 each time', () => {
  process.kill(process.pid, 'SIGTRAP')
})
