import { existsSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const mark = process.env.ENDED_ONCE as string

test('passes before the end', () => {
  expect(mark).toBeDefined()
})

test('is ended by V8 the first time', () => {
  if (existsSync(mark)) return
  writeFileSync(mark, '')
  process.kill(process.pid, 'SIGTRAP')
})
