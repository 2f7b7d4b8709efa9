import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { type Database, openDatabase } from '../../core/sqlite.ts'
import type { Value } from '../../protocol/reading.ts'
import { reading } from '../test-sender.ts'
import { decodeBlock, encodeBlock } from './block.ts'
import { type Position, readingsOf } from './reading-pages.ts'
import { type StoredReadings, storedReadings } from './stored-readings.ts'

const agent = 'agent'

function temporaryDatabase(): Database {
  const dir = mkdtempSync(join(tmpdir(), 'stored-'))
  const db = openDatabase(join(dir, 'readings.db'), { migrations: new URL('./migrations/', import.meta.url) })
  db.pragma('synchronous = OFF')
  onTestFinished(() => {
    db.close()
    rmSync(dir, { recursive: true })
  })
  return db
}

function empty(db: Database): StoredReadings {
  for (const table of ['reading', 'block', 'point']) db.exec(`DELETE FROM ${table}`)
  return storedReadings(db)
}

/** What is stored, read in pages, with something done between them. */
function readAll(
  readings: StoredReadings,
  { point, since, size }: { point?: string | undefined; since: number; size: number },
  between = () => {},
) {
  const all: string[] = []
  for (let after: Position = [since, 0, -1]; ; between()) {
    const page = readings.page({ agentId: agent, pointId: point }, after, size)
    for (const { pointId, time, value } of readingsOf(page)) all.push(`${pointId} ${time} ${value}`)
    if (!page.next) return all
    after = page.next
  }
}

interface Held {
  point: string
  time: number
  value: number
  arrival: number
}

/** The same, from a plain list. Points get their rows in the order in which they first come. */
const readModel = (
  model: readonly Held[],
  points: readonly string[],
  point: string | undefined,
  since: number,
) =>
  model
    .filter((held) => held.time >= since && (point ?? held.point) === held.point)
    .sort(
      (a, b) => a.time - b.time || points.indexOf(a.point) - points.indexOf(b.point) || a.arrival - b.arrival,
    )
    .map((held) => `${held.point} ${held.time} ${held.value}`)

const names = ['a', 'b', 'c']
const somePoint = fc.constantFrom(...names)
const change = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      point: somePoint,
      from: fc.integer({ min: 0, max: 3000 }),
      step: fc.constantFrom(0, 1, 1, 3),
      count: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 700 })),
    }),
  },
  fc.record({
    do: fc.constant('overwrite' as const),
    point: somePoint,
    from: fc.integer({ min: 0, max: 3000 }),
  }),
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('pack' as const), steps: fc.integer({ min: 1, max: 5 }) }),
  },
)
const query = fc.record({
  point: fc.option(somePoint, { nil: undefined }),
  since: fc.integer({ min: -10, max: 4000 }),
  size: fc.constantFrom(37, 500, 10_000),
})

test('rows and blocks answer as one plain list would, whatever comes late, is packed or overwritten', () => {
  const db = temporaryDatabase()
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 25 }),
      fc.array(query, { minLength: 1, maxLength: 4 }),
      (changes, queries) => {
        const readings = empty(db)
        let model: Held[] = []
        let arrival = 0
        const points: string[] = []
        for (const change of changes) {
          if (change.do === 'pack') {
            for (let k = 0; k < change.steps; k++) readings.pack()
            continue
          }
          const { point, from } = change
          if (!points.includes(point)) points.push(point)
          if (change.do === 'overwrite') {
            readings.overwrite(agent, [reading(point, from, ++arrival)])
            model = model.filter((held) => held.point !== point || held.time !== from)
            model.push({ point, time: from, value: arrival, arrival })
          } else {
            const added = Array.from({ length: change.count }, (_, k) => {
              const time = from + k * change.step
              return { point, time, value: ++arrival, arrival }
            })
            model.push(...added)
            readings.add(
              agent,
              point,
              added.map(({ time, value }) => ({ time, value, quality: 0 })),
            )
          }
        }
        for (const { point, since, size } of queries)
          expect(readAll(readings, { point, since, size }, () => readings.pack())).toEqual(
            readModel(model, points, point, since),
          )
        while (readings.pack());
        expect(readAll(readings, { since: -1, size: 1000 })).toEqual(readModel(model, points, undefined, -1))
      },
    ),
    { numRuns: 60 },
  )
})

test('what came singly stands in blocks of a good size after packing, and late readings join them', () => {
  const db = temporaryDatabase()
  const readings = storedReadings(db)
  const add = (time: number) => readings.add(agent, 'a', [{ time, value: time, quality: 0 }])
  for (let time = 0; time < 10_000; time += 2) add(time)
  while (readings.pack());
  const sizes = () => db.prepare('SELECT readings FROM block ORDER BY first_time').pluck().all() as number[]
  const rows = () => db.prepare('SELECT count(*) FROM reading').pluck().get()
  expect(sizes().reduce((sum, size) => sum + size)).toBe(5000)
  for (const size of sizes()) expect(size).toBeGreaterThanOrEqual(500)
  expect(rows()).toBe(0)

  for (let time = 1; time < 2000; time += 2) add(time)
  expect(rows()).toBe(1000)
  while (readings.pack());
  expect(rows()).toBe(0)
  expect(readAll(readings, { since: 0, size: 999 }).slice(0, 3)).toEqual(['a 0 0', 'a 1 1', 'a 2 2'])
  expect(readAll(readings, { since: 0, size: 999 })).toHaveLength(6000)
})

test('readings that all share one time are kept and read in order, and packing them ends', () => {
  const db = temporaryDatabase()
  const readings = storedReadings(db)
  for (let value = 0; value < 20_000; value++) readings.add(agent, 'a', [{ time: 5, value, quality: 0 }])
  let steps = 0
  while (readings.pack()) expect(++steps).toBeLessThan(100)
  const all = readAll(readings, { since: 0, size: 3000 })
  expect(all).toEqual(Array.from({ length: 20_000 }, (_, k) => `a 5 ${k}`))
})

const value: fc.Arbitrary<Value> = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (number === 0 ? 0 : number)),
  fc.tuple(fc.integer({ min: -1e6, max: 1e6 }), fc.nat(3)).map(([digits, scale]) => digits / 10 ** scale + 0),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.string(),
  fc.boolean(),
  fc.constant(null),
)

test('every block survives encoding', () => {
  const entry = fc.record({
    time: fc.integer({ min: -8e15, max: 8e15 }),
    value,
    quality: fc.constantFrom(0, 0, 0x40000000, 0x80050000),
  })
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 60 }), (entries) => {
      entries.sort((a, b) => a.time - b.time)
      expect(decodeBlock(encodeBlock(entries))).toEqual(entries)
    }),
  )
})
