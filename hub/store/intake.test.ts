import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { type Database, openDatabase } from '../../core/sqlite.ts'
import type { Gap } from '../../protocol/gap.ts'
import { createSender, reading } from '../test-sender.ts'
import { createBalance } from './balance.ts'
import { gapTable } from './gap-table.ts'
import { createIntake } from './intake.ts'
import { readingsOf } from './reading-pages.ts'
import { storedReadings } from './stored-readings.ts'
import { transactions } from './transactions.ts'

const epoch = '00000000000000aa'
const ledger = '00000000000000bb'
const agentId = 'agent'

function temporaryPath(): string {
  const dir = mkdtempSync(join(tmpdir(), 'intake-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  return join(dir, 'readings.db')
}

function open(path: string) {
  const db: Database = openDatabase(path, { migrations: new URL('./migrations/', import.meta.url) })
  db.pragma('synchronous = OFF')
  const readings = storedReadings(db)
  const intake = createIntake(db, readings)
  const gaps = gapTable(db)
  const atOnce = transactions(db, readings, [intake])
  const arrivals = (payloads: readonly Buffer[]) =>
    payloads.map((payload) => ({ agentId, payload, receivedAt: 1 }))
  const takeAll = atOnce((payloads: readonly Buffer[]) => intake.takeAll(arrivals(payloads)))
  /** As when the disk is full at the end of it. */
  const takeAndFail = atOnce((payloads: readonly Buffer[]) => {
    intake.takeAll(arrivals(payloads))
    throw new Error('disk full')
  })
  const page = () => readings.page({ agentId, pointId: undefined }, [0, 0, -1], 100_000)
  return {
    db,
    takeAll,
    takeAndFail,
    intake,
    gaps,
    balance: createBalance(db, gaps),
    values: () => readingsOf(page()).map(({ value }) => value),
    committed: () => db.prepare('SELECT first, last FROM committed ORDER BY first').raw().all(),
    close: () => void db.close(),
  }
}

/** Removes all that is stored. */
function clear(path: string): void {
  const { db, close } = open(path)
  for (const table of [
    'received',
    'source',
    'name',
    'committed',
    'epoch',
    'reading',
    'block',
    'point',
    'gap',
  ])
    db.exec(`DELETE FROM ${table}`)
  close()
}

const last = 30
const delivery = fc.record({
  from: fc.integer({ min: 1, max: last }),
  length: fc.integer({ min: 0, max: 8 }),
  /** The transaction that it would be in does not happen, or the hub stops behind it. */
  fate: fc.constantFrom('committed', 'committed', 'committed', 'lost', 'restart'),
})

test('each batch is stored once under any order, repeat, overlap and crash; the ranges say which', () => {
  const path = temporaryPath()
  const sender = createSender(epoch)
  for (let seq = 1; seq <= last; seq++)
    sender.batch(seq, {
      line: Array.from({ length: seq % 4 }, (_, k) => reading(`p${k}`, seq, seq * 10 + k)),
      press: [reading('q', seq, -seq)],
    })
  fc.assert(
    fc.property(fc.array(fc.array(delivery, { minLength: 1, maxLength: 4 }), { maxLength: 12 }), (groups) => {
      clear(path)
      let hub = open(path)
      const arrived = new Set<number>()
      for (const group of groups) {
        const fate = group[0]?.fate
        const sent = group.map(({ from, length }) => [from, Math.min(last, from + length)] as const)
        if (fate !== 'lost') {
          hub.takeAll(sent.map(([from, to]) => sender.message(from, to)))
          for (const [from, to] of sent) for (let seq = from; seq <= to; seq++) arrived.add(seq)
        }
        if (fate !== 'committed') {
          hub.close()
          hub = open(path)
        }
      }
      const expected = [...arrived].flatMap((seq) => [
        -seq,
        ...Array.from({ length: seq % 4 }, (_, k) => seq * 10 + k),
      ])
      expect(hub.values().toSorted()).toEqual(expected.toSorted())
      const ranges = hub.committed() as [number, number][]
      const inRanges = ranges.flatMap(([from, to]) =>
        Array.from({ length: to - from + 1 }, (_, k) => from + k),
      )
      expect(inRanges).toEqual([...arrived].sort((a, b) => a - b))
      for (const [k, [from]] of ranges.entries()) expect(from).toBeGreaterThan((ranges[k - 1]?.[1] ?? -1) + 1)
      const press = hub.balance(agentId).find(({ source }) => source === 'press')
      expect(press?.received ?? 0).toBe(arrived.size)
      expect(press?.missing ?? 0).toBe(Math.max(0, ...arrived) - arrived.size)
      hub.close()
    }),
    { numRuns: 40 },
  )
})

test('a transaction that failed leaves nothing, on disk or in memory, and its messages come again', () => {
  const path = temporaryPath()
  const hub = open(path)
  const sender = createSender(epoch)
  sender.batch(1, { line: [reading('p', 1)] })
  sender.batch(2, { press: Array.from({ length: 20 }, (_, k) => reading('q', k + 2)) })
  const messages = [sender.message(1), sender.message(2)]
  expect(() => hub.takeAndFail(messages)).toThrow('disk full')
  expect(hub.values()).toEqual([])
  expect(hub.takeAll(messages)).toMatchObject([{ readings: 1 }, { readings: 20 }])
  hub.close()
  const again = open(path)
  onTestFinished(again.close)
  expect(again.values()).toHaveLength(21)
  expect(again.takeAll([sender.message(1, 2, 'untold')])).toMatchObject([{ repeated: 2 }])
  sender.batch(3, { line: [reading('p', 100)] })
  expect(again.takeAll([sender.message(3, 3, 'untold')])).toMatchObject([{ readings: 1 }])
})

const row = (gap: Partial<Gap> & { id: number }): Gap => ({
  epoch,
  source: 'line',
  reason: 'quota',
  since: 1,
  until: 2,
  ...gap,
})

/** A hub to which the source "line" has sent these batches of ten readings each: 1–10, 11–20, … */
function hubWith(batches: readonly number[]) {
  const hub = open(temporaryPath())
  onTestFinished(hub.close)
  const sender = createSender(epoch)
  for (let seq = 1; seq <= Math.max(...batches); seq++)
    sender.batch(seq, { line: Array.from({ length: 10 }, (_, k) => reading('p', seq * 100 + k)) })
  hub.takeAll(batches.map((seq) => sender.message(seq)))
  return { ...hub, sender }
}

test('produced is received, lost by reason and missing; what arrived after all is not lost', () => {
  const hub = hubWith([1, 3, 6])
  expect(hub.balance(agentId)).toEqual([
    { source: 'line', produced: 60, received: 30, lost: {}, missing: 30 },
  ])
  const rows = [
    row({ id: 1, first: 11, last: 25, count: 15 }),
    row({ id: 2, first: 20, last: 35, count: 16, reason: 'age' }),
    row({ id: 3, count: 7, reason: 'deadband' }),
    row({ id: 4, first: 61, last: 70, count: 10, reason: 'rejected' }),
  ]
  expect(hub.gaps.add(agentId, { ledger, rows })).toEqual({ quota: 15, age: 16, deadband: 7, rejected: 10 })
  expect(hub.gaps.add(agentId, { ledger, rows })).toEqual({})
  expect(hub.balance(agentId)).toEqual([
    {
      source: 'line',
      produced: 77,
      received: 30,
      lost: { quota: 10, age: 5, deadband: 7, rejected: 10 },
      missing: 15,
    },
  ])
})

test('a row of an epoch without numbers explains all its holes, and those of no other epoch', () => {
  const hub = hubWith([2, 4])
  const crash = { id: 1, epoch, reason: 'crash' as const, since: 1, until: 2 }
  hub.gaps.add(agentId, { ledger, rows: [{ ...crash, epoch: '00000000000000cc' }] })
  expect(hub.balance(agentId)).toMatchObject([{ lost: {}, missing: 20 }])
  hub.gaps.add(agentId, { ledger, rows: [{ ...crash, id: 2 }] })
  expect(hub.balance(agentId)).toEqual([
    { source: 'line', produced: 40, received: 20, lost: { crash: 20 }, missing: 0 },
  ])
})

test('random losses and deliveries balance exactly', () => {
  const pieces = fc.array(fc.tuple(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 0, max: 30 })), {
    maxLength: 8,
  })
  const path = temporaryPath()
  fc.assert(
    fc.property(fc.subarray([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], { minLength: 1 }), pieces, (batches, lost) => {
      clear(path)
      const hub = open(path)
      const sender = createSender(epoch)
      for (let seq = 1; seq <= 10; seq++)
        sender.batch(seq, { line: Array.from({ length: 10 }, (_, k) => reading('p', seq * 100 + k)) })
      hub.takeAll(batches.map((seq) => sender.message(seq)))
      const rows = lost.map(([first, more], id) => row({ id: id + 1, first, last: first + more }))
      hub.gaps.add(agentId, { ledger, rows })
      const received = new Set(
        batches.flatMap((seq) => Array.from({ length: 10 }, (_, k) => seq * 10 - 9 + k)),
      )
      const gone = new Set(
        lost.flatMap(([first, more]) => Array.from({ length: more + 1 }, (_, k) => first + k)),
      )
      const highest = Math.max(...received, ...gone)
      const trulyLost = gone.difference(received).size
      const [line] = hub.balance(agentId)
      expect(line).toEqual({
        source: 'line',
        produced: highest,
        received: received.size,
        lost: trulyLost > 0 ? { quota: trulyLost } : {},
        missing: highest - received.size - trulyLost,
      })
      hub.close()
    }),
    { numRuns: 60 },
  )
})

test('pages of gaps go from the newest to the oldest', () => {
  const hub = hubWith([1])
  hub.gaps.add(agentId, { ledger, rows: [1, 2, 3, 4, 5].map((id) => row({ id, count: id })) })
  const first = hub.gaps.page({ agentId, limit: 2 })
  expect(first.map(({ id }) => id)).toEqual([5, 4])
  const rest = hub.gaps.page({ agentId, before: first[1]?.row ?? 0, limit: 10 })
  expect(rest.map(({ id }) => id)).toEqual([3, 2, 1])
  expect(rest[2]).toEqual({ row: expect.any(Number), ...row({ id: 1, count: 1 }) })
})

test('a message whose alias nobody tells is kept aside in the end, so that nothing waits behind it', () => {
  const hub = open(temporaryPath())
  onTestFinished(hub.close)
  const sender = createSender(epoch)
  sender.batch(1, { line: [reading('p', 1)] })
  const untold = sender.message(1, 1, 'untold')
  for (let time = 0; time < 2; time++)
    expect(hub.takeAll([untold])).toMatchObject([{ seq: 1, unknownAlias: expect.any(Number) }])
  expect(hub.takeAll([untold])).toMatchObject([{ seq: 1, malformed: expect.stringContaining('alias') }])
  expect(hub.takeAll([untold])).toMatchObject([{ seq: 1, repeated: 1 }])
})

test('names that came with a message that was kept aside are known', () => {
  const hub = open(temporaryPath())
  onTestFinished(hub.close)
  const sender = createSender(epoch)
  const whole = sender.send(1, reading('p', 1))
  const broken = Buffer.concat([whole.subarray(0, whole.length - 10), Buffer.from('garbage...')])
  expect(hub.takeAll([broken])).toMatchObject([{ malformed: expect.any(String) }])
  sender.batch(2, { line: [reading('p', 2)] })
  expect(hub.takeAll([sender.message(2, 2, 'untold')])).toMatchObject([{ readings: 1 }])
})

test('an alias that comes with another text is no message of that epoch', () => {
  const hub = open(temporaryPath())
  onTestFinished(hub.close)
  hub.takeAll([createSender(epoch).send(1, reading('p', 1))])
  expect(hub.takeAll([createSender(epoch).send(2, reading('other', 2))])).toMatchObject([
    { malformed: 'an alias has changed its text' },
  ])
  expect(hub.values()).toEqual([1])
})

test('of what is kept aside the oldest goes, and is still counted', () => {
  const hub = open(temporaryPath())
  onTestFinished(hub.close)
  const aside = hub.db.transaction((bytes: number, count: number) => {
    for (let k = 0; k < count; k++) hub.intake.keepAside(agentId, Buffer.alloc(bytes), `reason ${k}`, k)
  })
  aside(1, 1200)
  expect(hub.intake.malformed(agentId)).toMatchObject({ count: 1200, kept: 1000, lastReason: 'reason 1199' })
  aside(1024 * 1024, 20)
  expect(hub.intake.malformed(agentId)).toMatchObject({ count: 1220, kept: 16 })
})
