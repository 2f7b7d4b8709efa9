import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import type { AgentReport } from '../../protocol/agent-report.ts'
import { openReadingStore, type ReadingStore } from '../store/index.ts'
import { listAlarms } from './operations.ts'

let dir: string
let store: ReadingStore
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'edgeward-hub-alarms-'))
  store = await openReadingStore({ clock: systemClock, log: pino({ level: 'silent' }) }, { dir })
})
afterEach(async () => {
  await store[Symbol.asyncDispose]()
  await rm(dir, { recursive: true })
})

let now = 100
const told = (agent: string, more: Partial<AgentReport>) =>
  store.putReport(
    agent,
    { time: 1, release: 'r', outbox: { readings: 0, bytes: 0, lost: {} }, sources: [], alarms: [], ...more },
    ++now,
  )
const dead = { code: 'source_dead:press', message: 'cable pulled', raisedAt: 5 }
const full = { code: 'disk_full', message: 'no room', raisedAt: 6, severity: 'CRITICAL' as const }
const list = (agent?: string, all = true) => listAlarms(store, agent, { all })

test('an alarm stands until it is told as cleared, or told no more', async () => {
  await told('a', { alarms: [dead, full] })
  const heardAt = now
  await told('b', { alarms: [full] })
  await told('a', {
    alarms: [
      { ...dead, acknowledgedBy: 'ann', acknowledgedAt: 9 },
      { ...full, clearedAt: 8 },
    ],
  })
  expect(await list('a')).toEqual([
    expect.objectContaining({ type: 'disk_full', status: 'CLEARED', clearedAt: 8, severity: 'CRITICAL' }),
    {
      ...{ agent: 'a', id: dead.code, type: 'source_dead', source: 'press', severity: 'MAJOR', count: 1 },
      ...{ status: 'ACKNOWLEDGED', acknowledgedBy: 'ann', acknowledgedAt: 9, text: 'cable pulled' },
      ...{ firstOccurrence: 5, lastOccurrence: 5, creation: heardAt },
    },
  ])
  await told('a', { moreAlarms: 1 })
  expect(await list('a', false)).toHaveLength(1)
  await told('a', {})
  expect(await list('a', false)).toEqual([])
  expect(await list(undefined, false)).toMatchObject([{ agent: 'b', type: 'disk_full' }])
  await store.removeAgent('b')
  expect(await list(undefined, false)).toEqual([])
})

test('events come once, and the newest are kept', async () => {
  const event = (id: number) => ({ id, type: 'started', source: 'device', text: 't', time: id })
  for (let from = 1; from < 1_200; from += 20)
    await told('a', { events: Array.from({ length: 30 }, (_, n) => event(from + n)) })
  const kept = await store.events('a', 5_000)
  expect(kept.length).toBeLessThanOrEqual(1_001)
  expect(kept.map(({ id }) => id)).toEqual(Array.from(kept, (_, n) => 1_210 - n))
})

test('an audit that goes back, has another last entry or another key is noticed for good', async () => {
  const head = (id: number, hash = `hash ${id}`, key = 'k') => ({ id, hash, key })
  const fault = async () => (await store.auditHead('a'))?.fault
  for (const audit of [head(5), head(5), head(9)]) await told('a', { audit })
  await told('a', {})
  expect(await fault()).toBeUndefined()
  await told('a', { audit: head(9, 'other') })
  expect(await fault()).toMatchObject({ kind: 'rewritten', before: head(9), after: head(9, 'other') })
  await told('a', { audit: head(8) })
  await told('a', { audit: head(12) })
  expect(await fault()).toMatchObject({ kind: 'cut_short', before: { id: 9 }, after: { id: 8 } })
  await told('a', { audit: head(13, 'x', 'other') })
  expect(await fault()).toMatchObject({ kind: 'other_key' })
  expect((await store.auditHead('a'))?.head).toEqual(head(13, 'x', 'other'))
})
