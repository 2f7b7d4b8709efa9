import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { type Box, directLogin, openBox } from './boxed.ts'

let box: Box
beforeAll(async () => {
  box = await openBox({ proxied: false, env: { EDGEWARD_AUTH_LOGIN_ATTEMPTS: '1000' } })
  await box.gateway.operate('user.disable', { name: 'vic' })
})
afterAll(() => box[Symbol.asyncDispose]())

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number

test('X15: who guesses learns from no answer whether there is such a user', async () => {
  const causes = { 'no such user': 'nobody', 'wrong password': 'ann', 'disabled user': 'vic' }
  const took: Record<string, number[]> = { 'no such user': [], 'wrong password': [], 'disabled user': [] }
  const answers = new Set<string>()
  const all = Object.entries(causes)
  for (let round = 0; round < 60; round++)
    for (const turn of all.keys()) {
      const [cause, username] = all[(turn + round) % all.length] as [string, string]
      const body = JSON.stringify({ username, password: 'not the password' })
      const headers = { 'content-type': 'application/json' }
      const start = systemClock.monotonic()
      const { status, text } = await box.ask(directLogin, { method: 'POST', headers, body })
      took[cause]?.push(systemClock.monotonic() - start)
      answers.add(`${status} ${text}`)
    }
  const medians = Object.fromEntries(Object.entries(took).map(([cause, all]) => [cause, median(all)]))
  const shown = Object.entries(medians).map(([cause, ms]) => `${cause} ${ms.toFixed(2)} ms`)
  process.stdout.write(`X15: medians of ${took['wrong password']?.length} logins each: ${shown.join(', ')}\n`)
  expect([...answers]).toHaveLength(1)
  expect([...answers][0]).toMatch(/^401 /)
  const reasons = (await box.audit('login_failed')).map(({ reason }) => reason)
  expect(new Set(reasons)).toEqual(new Set(['unknown_user', 'wrong_password']))
})
