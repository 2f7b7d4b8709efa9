import { test } from 'vitest'

test('is ended by somebody else', () => {
  process.kill(process.pid, 'SIGKILL')
})
