import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { manualClock } from '../test/manual-clock.ts'
import { lifeFaults } from './life-faults.ts'
import { createProofOfLife, type Probe } from './proof-of-life.ts'
import type { EchoMethods } from './thread.fixture.ts'
import { openThread, threadUrl } from './thread.ts'

function living(...probes: Probe[]) {
  const clock = manualClock()
  const life = createProofOfLife({ clock, log: pino({ level: 'silent' }) }, { probes })
  const stop = new AbortController()
  const running = life.run(stop.signal)
  onTestFinished(async () => {
    stop.abort()
    await running
  })
  return { clock, life }
}

test('a store whose thread has died is a fault, until another answers', async () => {
  await using thread = await openThread<EchoMethods>(threadUrl('thread.fixture', import.meta.url), {})
  let ask = (): Promise<unknown> => thread.call('echo', 1)
  const { clock, life } = living({ name: 'the store of users', ask: () => ask() })
  await clock.advance(5_000)
  expect(lifeFaults(life)).toEqual([])
  await thread.call('die').catch(() => {})
  await clock.advance(10_000)
  await expect
    .poll(() => lifeFaults(life))
    .toEqual([expect.stringMatching(/^the store of users does not work: the thread of .* ended$/)])
  ask = async () => 1
  await clock.advance(10_000)
  expect(lifeFaults(life)).toEqual([])
})

test('an outbox that says nothing is a fault after half a minute; who asks is not held up', async () => {
  const answer = Promise.withResolvers<void>()
  const { clock, life } = living({ name: 'the outbox', ask: () => answer.promise })
  await clock.advance(29_000)
  expect(lifeFaults(life)).toEqual([])
  await clock.advance(13_000)
  expect(lifeFaults(life)).toEqual(['the outbox has not answered for 42 s'])
  answer.resolve()
  await clock.advance(1)
  expect(lifeFaults(life)).toEqual([])
})
