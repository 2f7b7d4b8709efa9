import { expect, test } from 'vitest'
import { manualClock } from '../test/manual-clock.ts'
import { systemClock } from './clock.ts'
import { type Check, diagnose, failed, ok, skipped, warning, worstFirst } from './diagnosis.ts'
import { Invalid } from './errors.ts'

const finds = (id: string, finding: () => ReturnType<typeof ok>, needs: string[] = []): Check => ({
  id,
  title: id,
  needs,
  run: async () => finding(),
})
const run = (checks: Check[]) => diagnose(checks, { clock: systemClock, limitMs: 5_000 })

test('what needs a failed check is skipped in its name, however far it is away', async () => {
  const found = await run([
    finds('dns', () => failed('no such name', 'look')),
    finds('connect', () => ok('never asked'), ['dns']),
    finds('http', () => ok('never asked'), ['connect']),
    finds('disk', () => ok('fine')),
  ])
  expect(found).toMatchObject([
    { id: 'dns', status: 'failed', cure: 'look' },
    { id: 'connect', status: 'skipped', because: 'dns' },
    { id: 'http', status: 'skipped', because: 'dns' },
    { id: 'disk', status: 'ok' },
  ])
})

test('a warning, and a check with nothing to look at, hold up nobody', async () => {
  const found = await run([
    finds('clock', () => warning('a little off', 'set it')),
    finds('proxy', () => skipped('none configured')),
    finds('tls', () => ok('trusted'), ['clock', 'proxy', 'never declared']),
  ])
  expect(found.map(({ status }) => status)).toEqual(['warning', 'skipped', 'ok'])
})

test('a check that throws has failed, with its reason and cure, and the others go on', async () => {
  const throwing = (id: string, error: Error): Check => ({ id, title: id, run: () => Promise.reject(error) })
  const found = await run([
    throwing('bug', new Error('no such device')),
    throwing('planned', new Invalid('the key is wrong', { cure: 'Give the right one.' })),
    finds('disk', () => ok('fine')),
  ])
  expect(found).toMatchObject([
    { status: 'failed', cause: expect.stringContaining('no such device') },
    { status: 'failed', cause: 'the key is wrong', cure: 'Give the right one.' },
    { status: 'ok' },
  ])
})

test('checks that hang are cut off together, whether they listen to their signal or not', async () => {
  const clock = manualClock()
  const deaf: Check = { id: 'deaf', title: 'deaf', run: () => new Promise(() => {}) }
  const listening: Check = {
    id: 'listening',
    title: 'listening',
    run: (signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  }
  const pending = diagnose(
    [deaf, listening, finds('after', () => ok('never asked'), ['deaf']), finds('disk', () => ok('fine'))],
    { clock, limitMs: 8_000 },
  )
  await clock.advance(8_000)
  expect(await pending).toMatchObject([
    { id: 'deaf', status: 'failed', cause: expect.stringContaining('did not answer within 8 s') },
    { id: 'listening', status: 'failed', cause: expect.stringContaining('did not answer within 8 s') },
    { id: 'after', status: 'skipped', because: 'deaf' },
    { id: 'disk', status: 'ok', tookMs: 0 },
  ])
})

test('the worst comes first, and of two failures the one that was declared first', async () => {
  const found = await run([
    finds('a', () => ok('fine')),
    finds('b', () => failed('first', undefined)),
    finds('c', () => skipped('nothing there')),
    finds('d', () => warning('soon', 'act')),
    finds('e', () => failed('second', undefined)),
  ])
  expect(worstFirst(found).map(({ id }) => id)).toEqual(['b', 'e', 'd', 'c', 'a'])
})
