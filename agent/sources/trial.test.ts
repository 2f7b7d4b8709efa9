import Type from 'typebox'
import { beforeAll, expect, test } from 'vitest'
import type { DataSource } from '../../protocol/data-source-configuration.ts'
import { isGood, statusCode } from '../../protocol/reading.ts'
import { polling } from './device.ts'
import { intervalMs } from './interval.ts'
import type { Watched } from './operations.ts'
import { protocols } from './protocols.ts'
import { protocol, type TrialWay } from './source.ts'
import { started } from './test-sources.ts'

/** Devices by address: how many read them, and what they say. */
const devices = new Map<
  string,
  { readers: number; mostReaders: number; read(point: string): number | undefined }
>()
const device = (address: string, read: (point: string) => number | undefined = () => 1) => {
  const made = { readers: 0, mostReaders: 0, read }
  devices.set(address, made)
  return made
}

beforeAll(() => {
  Object.assign(protocols, { simulated, notTried })
  return () => {
    for (const name of ['simulated', 'notTried']) delete (protocols as Record<string, unknown>)[name]
  }
})

const simulated = protocol({
  customData: {
    source: Type.Object({
      address: Type.String(),
      interval: Type.String(),
      way: Type.Optional(Type.String()),
    }),
    point: Type.Object({}),
  },
  trial: ({ way = 'beside' }) => way as TrialWay,
  create({ custom: { address, interval }, points }, context) {
    const { clock } = context
    let isOpen = false
    return {
      run: polling(
        context,
        { intervalMs: intervalMs(interval), timeoutMs: 1_000 },
        {
          async connect() {
            const found = devices.get(address)
            if (!found) throw Object.assign(new Error('no route'), { code: 'EHOSTUNREACH' })
            found.mostReaders = Math.max(found.mostReaders, ++found.readers)
            isOpen = true
          },
          read: async () =>
            points.map(({ id }) => {
              const value = devices.get(address)?.read(id)
              return value === undefined
                ? {
                    point: id,
                    value: null,
                    quality: statusCode.badNoData,
                    reason: 'no_value',
                    time: clock.now(),
                  }
                : { point: id, value, quality: statusCode.good, time: clock.now() }
            }),
          async close() {
            const found = devices.get(address)
            if (found && isOpen) found.readers--
            isOpen = false
          },
          unavailable: ({ reason }) =>
            points.map(({ id }) => ({
              ...{
                point: id,
                value: null,
                quality: statusCode.badNoCommunication,
                reason,
                time: clock.now(),
              },
            })),
        },
      ),
    }
  },
})
const notTried = { ...simulated, trial: 'none' } as const

const source = (name: string, more: object = {}, points = [`${name}-p`]): DataSource => ({
  name,
  customData: { protocol: 'simulated', address: name, interval: '1s', ...more },
  dataPoints: points.map((id) => ({ id, name: id, type: 'DOUBLE', customData: {} })),
})

test('of twenty sources the nineteen that a new configuration leaves alone lose and delay no reading', async () => {
  const { sources, clock, kept } = started()
  const names = Array.from({ length: 20 }, (_, k) => `machine-${k}`)
  for (const name of names) device(name)
  const all = names.map((name) => source(name))
  sources.apply(all)
  const startedAt = clock.now()
  await clock.advance(10_500)

  const changed = [source('machine-0', { interval: '250ms' }), ...all.slice(1)]
  const before = kept.filter(({ point }) => point === 'machine-0-p').length
  const trial = sources.try({ hub: changed, local: [] })
  await clock.advance(4_000)
  expect(trial?.status()).toMatchObject([
    {
      name: 'machine-0',
      way: 'beside',
      state: 'good',
      points: [{ reads: true, now: { value: 1 }, before: { value: 1 } }],
    },
  ])
  expect(kept.filter(({ point }) => point === 'machine-0-p')).toHaveLength(before + 4) // the shadow's are not stored
  expect(trial?.faults(false)).toEqual([])
  trial?.commit()
  await clock.advance(5_500)

  for (const [k, name] of names.entries()) {
    const times = kept.filter(({ point }) => point === `${name}-p`).map(({ time }) => time - startedAt)
    if (k > 0) expect(times).toEqual(Array.from({ length: 21 }, (_, turn) => turn * 1_000))
    if (k === 0) expect(times.filter((time) => time > 14_500)).toHaveLength(22)
    expect(devices.get(name)?.readers).toBe(1)
  }
  expect(sources.status()).toHaveLength(20)
})

test('where a device takes one reader the source before pauses, and goes on when the trial fails', async () => {
  const { sources, clock, kept } = started()
  const bus = device('bus')
  sources.apply([source('bus', { way: 'instead' })])
  await clock.advance(2_000)
  const trial = sources.try({ hub: [source('bus', { way: 'instead', interval: '2s' })], local: [] })
  await clock.advance(3_000)
  expect(bus.mostReaders).toBe(1)
  const during = kept.length
  trial?.revert()
  await clock.advance(5_000)
  expect(bus).toMatchObject({ mostReaders: 1, readers: 1 })
  expect(kept.length).toBeGreaterThan(during + 3)
  expect(sources.status()).toMatchObject([{ name: 'bus', state: 'good' }])
})

test('a source on trial must read each point once, unless the point was no better before', async () => {
  const { sources, clock, alarms, kept } = started()
  device('oven', (point) => (point === 'cold' ? undefined : 20))
  sources.apply([source('oven', {}, ['warm', 'cold'])])
  await clock.advance(1_000)

  const faster = sources.try({ hub: [source('oven', { interval: '500ms' }, ['warm', 'cold'])], local: [] })
  expect(faster?.faults(false)).toEqual([{ source: 'oven', fault: 'warm: was not read; cold: was not read' }])
  await clock.advance(1_000)
  expect(faster?.faults(false)).toEqual([])

  const more = [
    source('oven', {}, ['warm', 'cold']),
    source('gone', {}),
    source('new', { address: 'oven' }, ['hot', 'x']),
  ]
  const wrong = sources.try({ hub: more, local: [] })
  devices.set('oven', { ...device('oven'), read: (point) => (point === 'x' ? undefined : 20) })
  await clock.advance(20_000)
  expect(wrong?.faults(true)).toEqual([
    { source: 'gone', fault: expect.stringMatching(/^no route\. Nobody answers at this address/) },
    { source: 'new', fault: 'x: BadNoData (no_value)' },
  ])
  expect(alarms.standing()).toEqual([]) // a trial raises none
  wrong?.revert()
  expect(kept.some(({ point }) => point === 'hot' || point === 'gone-p')).toBe(false)
  expect(sources.status()).toMatchObject([{ name: 'oven' }])
})

test('what a source said once, on trial, is stored when it comes in force', async () => {
  const { sources, clock, kept } = started()
  device('pump', (point) => (point === 'b' ? undefined : 7))
  sources.apply([source('pump', {}, ['a', 'b'])])
  await clock.advance(1_000)
  const trial = sources.try({ hub: [source('pump', { interval: '1h' }, ['a', 'b'])], local: [] })
  await clock.advance(100)
  const before = kept.length
  trial?.commit()
  await clock.advance(0)
  expect(kept.slice(before).map(({ point, value, quality }) => [point, value, isGood(quality)])).toEqual([
    ['a', 7, true],
    ['b', null, false],
  ])
})

test('a source that cannot be tried, and what is only removed, needs no trial', async () => {
  const { sources, clock } = started()
  device('a')
  sources.apply([source('a'), source('b')])
  await clock.advance(0)
  expect(sources.try({ hub: [source('a')], local: [] })).toBeUndefined()
  const waiting = { ...source('c'), customData: { ...source('c').customData, protocol: 'notTried' } }
  expect(sources.try({ hub: [source('a'), waiting], local: [] })).toBeUndefined()
})

test('one read of each point is shown and not stored', async () => {
  const { sources, clock, kept } = started()
  device('lathe', (point) => (point === 'speed' ? 1_500 : undefined))
  const asked = { dataSources: [source('lathe', {}, ['speed', 'load']), source('absent')] }
  const read = sources.operations['agent.sourceTest']?.(asked, {})
  await clock.advance(100)
  await clock.advance(100)
  expect(await read).toMatchObject([
    {
      ...{ name: 'lathe', outcome: 'read' },
      points: [
        { read: { value: 1_500, quality: 'Good' } },
        { read: { value: null, quality: 'BadNoData', reason: 'no_value' } },
      ],
    },
    { name: 'absent', outcome: 'failed', reason: expect.stringContaining('check the address, the cable') },
  ])
  expect(kept).toEqual([])
  const somebody = { user: 'operator' }
  await expect(sources.operations['agent.sourceTest']?.(asked, somebody)).rejects.toMatchObject({
    code: 'forbidden',
  })
  expect(devices.get('lathe')?.readers).toBe(0)
})

test('who watches sees the newest reading of each point, then each as it comes', async () => {
  const { sources, clock } = started()
  let value = 0
  device('saw', () => ++value)
  sources.apply([source('saw')])
  await clock.advance(3_000)
  const watch = (params: object) => sources.operations['agent.sourceWatch']?.(params, {}) as Promise<Watched>
  const first = await watch({})
  expect(first).toMatchObject({ readings: [{ source: 'saw', point: 'saw-p', value: 4 }], missed: 0 })
  await clock.advance(2_000)
  const next = watch({ cursor: first.cursor })
  await clock.advance(100)
  expect((await next).readings.map(({ value }) => value)).toEqual([5, 6])
  await expect(watch({ name: 'nobody' })).rejects.toThrow('there are saw')
})
