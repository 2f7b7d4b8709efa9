import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLog } from '../core/log.ts'
import { manualClock } from '../test/manual-clock.ts'
import { openEvents } from './alarms/events.ts'
import { createKeeper } from './alarms/kept.ts'
import { watchBox } from './alarms/watch.ts'
import { createAlarms, openAlarms } from './alarms.ts'

const silent = pino({ level: 'silent' })

test('an alarm keeps its moment, takes the newest message, is logged when it changes, and goes', async () => {
  const clock = manualClock(1_000)
  const logged: string[] = []
  const log = createLog('info', { write: (line) => void logged.push(JSON.parse(line).msg) })
  const alarms = createAlarms({ clock, log })
  alarms.raise('disk_full', 'no room')
  await clock.advance(500)
  alarms.raise('disk_full', 'no room')
  alarms.raise('disk_full', 'still no room')
  alarms.raise('source_dead:press', 'press: cable pulled')
  expect(alarms.standing()).toMatchObject([
    {
      code: 'disk_full',
      message: 'still no room',
      raisedAt: 1_000,
      lastAt: 1_500,
      count: 2,
      severity: 'CRITICAL',
    },
    { code: 'source_dead:press', raisedAt: 1_500, count: 1, severity: 'MAJOR' },
  ])
  alarms.clear('disk_full')
  alarms.clear('disk_full')
  expect(alarms.standing()).toMatchObject([{ code: 'source_dead:press' }])
  expect(logged).toEqual([...Array(3).fill('alarm raised'), 'alarm cleared'])
})

test('one that is back soon is the same, one that is back later is another', async () => {
  const clock = manualClock(0)
  const alarms = createAlarms({ clock, log: silent })
  alarms.raise('disk_full', 'no room')
  const [first] = alarms.all()
  await alarms.acknowledge(first?.id as string, 'ann')
  alarms.clear('disk_full')
  await clock.advance(600_000)
  alarms.raise('disk_full', 'no room')
  expect(alarms.all()).toEqual([{ ...first, count: 2, lastAt: 600_000 }])
  alarms.clear('disk_full')
  await clock.advance(600_001)
  alarms.raise('disk_full', 'no room')
  expect(alarms.all()).toMatchObject([
    { count: 1, raisedAt: 1_200_001 },
    { id: first?.id, clearedAt: 600_000 },
  ])
})

test('it is acknowledged by id or code, stays so while it stands, and not when it was cleared', async () => {
  const clock = manualClock(5)
  const alarms = createAlarms({ clock, log: silent })
  alarms.raise('source_dead:press', 'cable pulled')
  expect(await alarms.acknowledge('source_dead:press', 'bob')).toMatchObject({ acknowledgedBy: 'bob' })
  alarms.raise('source_dead:press', 'no answer')
  expect(alarms.standing()).toMatchObject([
    { message: 'no answer', acknowledgedBy: 'bob', acknowledgedAt: 5 },
  ])
  alarms.clear('source_dead:press')
  const [cleared] = alarms.all()
  await expect(alarms.acknowledge(cleared?.id as string, 'bob')).rejects.toMatchObject({ code: 'conflict' })
  await expect(alarms.acknowledge('source_dead:press', 'bob')).rejects.toMatchObject({ code: 'not_found' })
})

test('a mapping changes severity and text or drops, those that stand too, and can be undone', () => {
  const alarms = createAlarms({ clock: manualClock(), log: silent })
  alarms.raise('source_dead:press', 'cable pulled')
  alarms.raise('clock_untrusted', 'no time')
  const unmapped = alarms.standing()
  alarms.map([
    { type: 'source_dead', severity: 'WARNING', text: 'look after the press', dropped: false },
    { type: 'clock_untrusted', severity: null, text: null, dropped: true },
  ])
  expect(alarms.standing()).toEqual([
    { ...unmapped[0], severity: 'WARNING', message: 'look after the press' },
  ])
  expect(alarms.all()).toHaveLength(1)
  alarms.map([])
  expect(alarms.standing()).toEqual(unmapped)
})

describe('on disk', () => {
  let dir: string
  let path: string
  let clock: ReturnType<typeof manualClock>
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'edgeward-alarms-'))
    path = join(dir, 'alarms.json')
    clock = manualClock(1_000)
  })
  afterEach(() => rm(dir, { recursive: true }))
  const open = () => openAlarms({ clock, log: silent }, { path })

  test('what stood does so after a start, until nobody has seen it again; acknowledgements stay', async () => {
    {
      await using alarms = await open()
      alarms.raise('source_dead:press', 'cable pulled')
      alarms.raise('source_dead:saw', 'cable pulled')
      await alarms.acknowledge('source_dead:saw', 'ann')
      alarms.raise('login_attack', 'ann')
    }
    await using alarms = await open()
    expect(alarms.standing()).toMatchObject([{ id: '1' }, { id: '2', acknowledgedBy: 'ann' }, { id: '3' }])
    const stopped = new AbortController()
    const running = alarms.run(stopped.signal)
    alarms.raise('source_dead:saw', 'cable pulled')
    await clock.advance(300_000)
    expect(alarms.standing()).toMatchObject([{ id: '2', acknowledgedBy: 'ann' }, { id: '3' }])
    await clock.advance(86_400_000)
    expect(alarms.standing()).toMatchObject([{ id: '2' }])
    stopped.abort()
    await running
  })

  test('what changes again and again is written once a minute, and at the end', async () => {
    let writes = 0
    const content = () => [{ n: ++writes }]
    {
      await using keeper = createKeeper({ clock, log: silent }, { path, content })
      for (let second = 0; second < 180; second++) {
        keeper.changed()
        await clock.advance(1_000)
      }
      expect(writes).toBe(3)
      keeper.changed()
    }
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ kept: [{ n: 4 }] })
  })

  test('a file that cannot be read is begun anew, and what is kept is bounded', async () => {
    await writeFile(path, '{"kept":[{"id":1')
    await using alarms = await open()
    expect(alarms.all()).toEqual([])
    for (let n = 0; n < 800; n++) alarms.raise(`source_dead:${n}`, 'cable pulled')
    expect(alarms.all()).toHaveLength(500)
    for (let n = 0; n < 800; n++) alarms.clear(`source_dead:${n}`)
    expect(alarms.all()).toHaveLength(200)
    expect(alarms.forget(({ code }) => code.endsWith('9'))).toBe(20)
    expect(alarms.all()).toHaveLength(180)
  })

  test('events say how the last run ended, and survive', async () => {
    const events = () => openEvents({ clock, log: silent }, { path: join(dir, 'events.json') })
    const began = async (boot: string, end: boolean) => {
      await using book = await events()
      await book.began(boot)
      if (end) book.ended()
      return book.list().map(({ type }) => type)
    }
    expect(await began('a', true)).toEqual(['stopped', 'started'])
    expect(await began('a', false)).toEqual(['started', 'stopped', 'started'])
    expect(await began('a', false)).toEqual(expect.arrayContaining(['stopped_uncleanly']))
    expect((await began('b', false)).slice(0, 2)).toEqual(['started', 'power_cut_suspected'])
    await using book = await events()
    expect(book.forget(() => true)).toBe(6)
    expect(book.list()).toMatchObject([{ id: 7, type: 'started', source: 'device' }])
  })
})

test('the box is watched: time, credential, certificates and how full the outbox is', async () => {
  const clock = manualClock(0)
  const alarms = createAlarms({ clock, log: silent })
  const day = 86_400_000
  const box = {
    time: { state: 'untrusted' as 'untrusted' | 'trusted', offsetMs: 0, since: 0 },
    identity: { state: 'onboarded' as const, credentialIssuedAt: 0, credentialExpiresAt: day },
    outbox: { bytes: 10, maxBytes: 100 },
    certificates: [{ name: 'box', notAfter: 22 * day }],
  }
  const stopped = new AbortController()
  const watched = {
    ...{ identity: () => box.identity, time: () => box.time, outbox: async () => box.outbox },
    certificates: () => box.certificates,
  }
  const running = watchBox({ alarms, clock }, watched, stopped.signal)
  const standing = () => alarms.standing().map(({ code }) => code)
  await clock.advance(590_000)
  expect(standing()).toEqual([])
  await clock.advance(60_000)
  expect(standing()).toEqual(['clock_untrusted'])
  box.time = { ...box.time, state: 'trusted' }
  box.outbox = { bytes: 81, maxBytes: 100 }
  await clock.advance(day * 0.85)
  expect(standing()).toEqual(['outbox_filling', 'credential_expiring'])
  box.identity = { ...box.identity, credentialExpiresAt: 30 * day }
  box.outbox = { bytes: 75, maxBytes: 100 }
  await clock.advance(day)
  expect(standing()).toEqual(['outbox_filling', 'certificate_expiring'])
  box.outbox = { bytes: 69, maxBytes: 100 }
  box.certificates = []
  await clock.advance(60_000)
  expect(standing()).toEqual([])
  stopped.abort()
  await running
})
