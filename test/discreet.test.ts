import { expect, test } from 'vitest'
import type { Child } from '../cli/demo/child.ts'
import { discreet } from './discreet.ts'

const child = (log: string): Child<object> => ({
  process: undefined as unknown as Child<object>['process'],
  addresses: {},
  log: () => log,
  operate: async <T>() => ({ client_secret: 'a-very-secret-text' }) as T,
  stop: async () => {},
  [Symbol.asyncDispose]: async () => {},
})

test('a process that logs a secret it gave out, a token or a key is found out; another is not', async () => {
  for (const log of [
    '{"x":"a-very-secret-text"}',
    'Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.x',
    'BEGIN PRIVATE KEY',
  ]) {
    const watched = discreet(child(log))
    await watched.operate('app.add')
    await expect(watched.stop()).rejects.toThrow('a secret stands in the log')
  }
  const quiet = discreet(child('{"msg":"app added"}'))
  await quiet.operate('app.add')
  await expect(quiet.stop()).resolves.toBeUndefined()
})
