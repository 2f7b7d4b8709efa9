import { join } from 'node:path'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createAlarms, openOutbox } from '../agent/test-outbox.ts'
import { systemRandom } from '../core/random.ts'
import { createFarSide } from './far-side.ts'
import { tempDir } from './harness.ts'
import { manualClock } from './manual-clock.ts'
import { seeded } from './seeded.ts'
import { untilKept } from './until-kept.ts'

const minute = 60_000
const week = 7 * 24 * 60 * minute
const megabyte = 1024 * 1024
const everyMs = 60 * minute
const readingsInWindow = 1000
const commitIntervalMs = 250

test('six weeks without a hub: the quota holds, the oldest go, and the ledger accounts for each reading', async () => {
  await using dir = await tempDir()
  const clock = manualClock()
  const draw = seeded(6)
  const log = pino({ level: 'silent' })
  const maxBytes = 8 * megabyte
  await using outbox = await openOutbox(
    { clock, random: systemRandom, log, alarms: createAlarms({ clock, log }) },
    {
      ...{ path: join(dir.path, 'outbox.db'), boot: 'boot', mode: 'spill', commitIntervalMs },
      ...{ commitBytes: 65_536, maxBytes, ballastBytes: megabyte, whenFull: 'drop_oldest' },
    },
  )
  let produced = 0
  let newest = 0
  for (let passed = 0; passed < 6 * week; passed += everyMs) {
    const readings = Array.from({ length: readingsInWindow }, (_, k) => ({
      point: `p${k % 10}`,
      value: k === 0 ? ++newest : draw(), // digits that no encoding makes shorter: the quota is reached
      quality: 0,
      time: clock.now(),
    }))
    const appended = outbox.append({ source: 'line', readings })
    produced += readings.length
    await clock.advance(commitIntervalMs)
    await untilKept(clock, appended)
    await clock.advance(everyMs - commitIntervalMs)
    expect((await outbox.stats()).bytes).toBeLessThanOrEqual(maxBytes)
  }

  const [line] = (await outbox.stats()).sources
  expect(line).toMatchObject({ source: 'line', produced, delivered: 0 })
  const dropped = line?.lost.quota ?? 0
  expect(dropped).toBeGreaterThan(produced / 2)
  expect(line?.waiting).toBe(produced - dropped)

  const hub = createFarSide({ clock, draw }, { forgets: 0, lateMs: 1 })
  const done = new AbortController()
  const delivering = hub.run(outbox, done.signal)
  await expect
    .poll(
      async () => {
        await clock.advance(minute)
        const { readings } = await outbox.stats()
        return readings === 0 && (await outbox.pendingGaps(1)) === undefined
      },
      { timeout: 60_000 },
    )
    .toBe(true)
  done.abort()
  await delivering
  const explained = hub.gaps.reduce((sum, { count = 0 }) => sum + count, 0)
  expect(hub.values()).toContain(newest)
  expect(hub.values().length + explained).toBe(produced)
  expect(hub.gaps.every(({ reason }) => reason === 'quota')).toBe(true)
  expect(hub.missing()).toEqual([])
  process.stderr.write(
    `six weeks: ${produced} produced, ${hub.values().length} delivered, ${explained} dropped in ${hub.gaps.length} rows of the ledger\n`,
  )
}, 240_000)
