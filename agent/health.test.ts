import { expect, test } from 'vitest'
import { manualClock } from '../test/manual-clock.ts'
import { agentFaults, type Working } from './health.ts'
import { createCommits } from './outbox/commits.ts'
import { createTally } from './sources/tally.ts'

const now = Date.UTC(2026, 5, 1)
const working: Working = { commits: { overdueMs: 0 }, sources: [], certificates: [], now }
const faults = (given: Partial<Working>) => agentFaults({ ...working, ...given })

test('a box that does its work has no faults', () => {
  const sources = [{ name: 'press', state: 'good' as const }]
  expect(faults({ sources, certificates: [{ name: 'box', notAfter: now + 1 }] })).toEqual([])
})

test('an outbox that has something to write and does not is one; without anything to write it is none', async () => {
  const clock = manualClock()
  const commits = createCommits({ clock })
  await clock.advance(600_000)
  expect(faults({ commits: commits.status() })).toEqual([])
  commits.due()
  const disk = Promise.withResolvers<void>()
  const commit = commits.timed(() => disk.promise)
  await clock.advance(25_000)
  commits.due()
  expect(faults({ commits: commits.status() })).toEqual([])
  await clock.advance(10_000)
  expect(faults({ commits: commits.status() })).toEqual([
    'the outbox has not written for 35 s what it has to',
  ])
  disk.resolve()
  await commit
  commits.done()
  expect(faults({ commits: commits.status() })).toEqual([])
  const { samples } = commits.status().seconds.gauge('x', 'x')
  expect(
    samples.filter(({ suffix }) => suffix === '_sum' || suffix === '_count').map(({ value }) => value),
  ).toEqual([35, 1])
})

test('a source whose turn does not come any more is one; one whose device is dead is not', async () => {
  const clock = manualClock()
  const tally = createTally(clock)
  const source = () => [{ name: 'press', ...tally.status() }]
  tally.turned({ lateMs: 0, overruns: 0, intervalMs: 3_600_000 })
  await clock.advance(3_600_000 + 110_000)
  expect(faults({ sources: source() })).toEqual([])
  await clock.advance(20_000)
  expect(faults({ sources: source() })).toEqual([
    'the data source press should have read 130 s ago, and did not',
  ])
  tally.device({ at: 'failing', reason: 'no_answer', message: 'no answer' })
  expect(faults({ sources: source() })).toEqual([])
  tally.device({ at: 'connected' })
  tally.turned({ lateMs: 130_000, overruns: 0, intervalMs: 3_600_000 })
  expect(faults({ sources: source() })).toEqual([])
})

test('of many sources that hang only some are named', () => {
  const sources = Array.from({ length: 40 }, (_, k) => ({
    ...{ name: `s${k}`, state: 'degraded' as const, overdueMs: 500_000 },
  }))
  const told = faults({ sources })
  expect(told).toHaveLength(6)
  expect(told.at(-1)).toBe('so should 35 more data sources')
})

test('a certificate that is over is one', () => {
  const certificates = [
    { name: 'device CA', notAfter: now + 86_400_000 },
    { name: 'box', notAfter: now - 1_000 },
  ]
  expect(faults({ certificates })).toEqual(['the certificate of the box ended 2026-05-31T23:59:59.000Z'])
})
