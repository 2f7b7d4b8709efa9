import fc from 'fast-check'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import type { Range } from '../../protocol/ack.ts'
import { decodeBody } from '../../protocol/columns.ts'
import type { Name } from '../../protocol/message.ts'
import { type ManualClock, manualClock } from '../../test/manual-clock.ts'
import type { ToldTime } from '../hub-time.ts'
import type { Pending } from '../outbox/index.ts'
import { createDelivery } from './delivery.ts'
import type { FarSide, Limits } from './far-side.ts'
import { memoryOutbox } from './test-outbox.ts'

const log = pino({ level: 'silent' })
const interval = { minIntervalMs: 1_000, maxIntervalMs: 10_000 }
const settled = () => new Promise((resolve) => setImmediate(resolve))

const reading = (value: number | string) => ({ point: 'p', value, quality: 0, time: 1_700_000_000_000 })

function start(given: Partial<Limits> = {}, clock: ManualClock = manualClock()) {
  const limits: Limits = { window: 4, maxBytes: 10_000, ackTimeoutMs: 30_000, ...given }
  const outbox = memoryOutbox(clock)
  const delivered: [batches: number, readings: number][] = []
  const told: ToldTime[] = []
  return { limits, clock, outbox, delivered, told, session: open }

  function open(largest = Number.POSITIVE_INFINITY) {
    const sent: Pending[] = []
    const confirmed: [string, readonly Name[]][] = []
    const farSide: FarSide = {
      limits,
      async send(message) {
        if (message.body.length > largest) return 'too large'
        sent.push(message)
        return 'sent'
      },
      delivered: (epoch, names) => void confirmed.push([epoch, names]),
    }
    const delivery = createDelivery(
      {
        ...{ outbox, farSide, clock, log },
        onDelivered: (...amounts) => void delivered.push(amounts),
        onTime: (time) => void told.push(time),
      },
      { target: 'mqtt://far', ...interval },
    )
    outbox.onPending(delivery.wake)
    const stopping = new AbortController()
    const running = delivery.run(stopping.signal)
    running.catch(() => {})
    return {
      ...{ delivery, sent, confirmed, running },
      values: () => sent.flatMap(valuesIn),
      ack: (message: Pending | undefined) =>
        message && delivery.acknowledged(message.epoch, [[message.seq, message.seq + message.count - 1]]),
      async stop() {
        stopping.abort(new Error('stopped'))
        await running.catch(() => {})
      },
    }
  }
}

const valuesIn = ({ body, names }: Pending): unknown[] => {
  const texts = new Map(names)
  return decodeBody(body, (alias) => texts.get(alias)).batches.flatMap((runs) =>
    runs.flatMap(({ readings }) => readings.map(({ value }) => value)),
  )
}

test('the backlog goes at once and put together, live readings after the interval', async () => {
  const { outbox, clock, session } = start()
  for (let k = 0; k < 5; k++) outbox.append('s', [reading(k)])
  const { sent, values } = session()
  await settled()
  expect(sent.map(({ count }) => count)).toEqual([5])
  for (let k = 5; k < 8; k++) outbox.append('s', [reading(k)])
  await clock.advance(999)
  expect(sent).toHaveLength(1)
  await clock.advance(1)
  expect(sent.map(({ count }) => count)).toEqual([5, 3])
  expect(values()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
})

test.each([
  ['the oldest reading', -400, 0, 600],
  ['when it was seen, where the wall clock was set back', 0, -3_600_000, 1_000],
])('the interval counts from %s', async (_case, takenAt, seenAt, goesMs) => {
  const clock = manualClock()
  let offset = 0
  const { outbox, session } = start({}, { ...clock, now: () => clock.now() + offset })
  const { sent } = session()
  await settled()
  offset = takenAt
  outbox.append('s', [reading(1)])
  offset = seenAt
  await clock.advance(goesMs - 1)
  expect(sent).toHaveLength(0)
  await clock.advance(1)
  expect(sent).toHaveLength(1)
})

test('what somebody waits for goes at once, and what stands before it with it', async () => {
  const { outbox, session } = start()
  const { sent, values } = session()
  await settled()
  outbox.append('s', [reading(1)])
  await settled()
  expect(sent).toEqual([])
  outbox.append('s', [reading(2)], { urgent: true })
  await settled()
  expect(values()).toEqual([1, 2])
})

test('a full message does not wait', async () => {
  const { outbox, clock, session } = start({ maxBytes: 500 })
  const { sent } = session()
  await settled()
  for (let k = 0; k < 60; k++) outbox.append('s', [reading(`${Math.sin(k)}${Math.cos(k)}`)])
  await clock.advance(300)
  expect(sent.length).toBeGreaterThan(0)
  expect(sent.every(({ body }) => body.length > 400)).toBe(true)
})

test('a slow link gathers for longer: five times the time of an acknowledgement', async () => {
  const { outbox, clock, session } = start()
  const { sent, ack } = session()
  await settled()
  outbox.append('s', [reading(1)])
  await clock.advance(1_000)
  expect(sent).toHaveLength(1)
  await clock.advance(500)
  ack(sent[0])
  await settled()
  outbox.append('s', [reading(2)])
  await clock.advance(2_499)
  expect(sent).toHaveLength(1)
  await clock.advance(1)
  expect(sent).toHaveLength(2)
})

test('live overtakes a backlog that keeps at least a quarter of the window free', async () => {
  const { outbox, session } = start({ window: 4, maxBytes: 1 })
  for (let k = 0; k < 20; k++) outbox.append('s', [reading(k)])
  const { sent, values, ack, delivery } = session()
  await settled()
  for (let k = 0; k < 8; k++) {
    ack(sent.at(k))
    await settled()
  }
  expect(delivery.status().lanes).toEqual({ live: 0, backlog: 3 })
  outbox.append('s', [reading('live')], { urgent: true })
  await settled()
  expect(values().at(-1)).toBe('live')
  expect(delivery.status()).toMatchObject({ inFlight: 4, lanes: { live: 1, backlog: 3 } })
})

test('with a window of one message the lanes take turns', async () => {
  const { outbox, session } = start({ window: 1, maxBytes: 1 })
  for (let k = 0; k < 3; k++) outbox.append('s', [reading(k)])
  const { sent, values, ack } = session()
  await settled()
  outbox.append('s', [reading('live')], { urgent: true })
  for (let k = 0; k < 4; k++) {
    expect(sent).toHaveLength(k + 1)
    ack(sent.at(k))
    await settled()
  }
  expect(values()).toEqual([0, 'live', 1, 2])
})

test('a backlog that queues at the far side takes less of the window', async () => {
  const { outbox, clock, session } = start({ window: 32, maxBytes: 1 })
  for (let k = 0; k < 200; k++) outbox.append('s', [reading(k)])
  const { sent, ack, delivery } = session()
  await settled()
  for (let k = 0; k < 20; k++) {
    ack(sent.at(k))
    await settled()
  }
  const before = delivery.status().inFlight
  expect(before).toBe(22)
  await clock.advance(2_000)
  ack(sent.at(20))
  await settled()
  for (let k = 21; k < 21 + before; k++) {
    ack(sent.at(k))
    await settled()
  }
  expect(delivery.status().inFlight).toBeLessThan(before)
})

test('a message that is too large comes apart, and a batch that is stays', async () => {
  const { outbox, clock, session } = start()
  for (let k = 0; k < 7; k++) outbox.append('s', [reading(`${Math.sin(k)}${Math.cos(k)}`)])
  outbox.append('s', [reading(Array.from({ length: 40 }, (_, k) => Math.sin(k)).join())])
  outbox.append('s', [reading('after')])
  const { sent, ack, delivery } = session(300)
  for (let k = 0; k < 12; k++) {
    await settled()
    for (const message of sent.splice(0)) {
      expect(message.body.length).toBeLessThanOrEqual(300)
      ack(message)
    }
    await clock.advance(1_500)
  }
  expect((await outbox.stats()).batches).toBe(1)
  expect(delivery.status()).toMatchObject({ inFlight: 0, tooLarge: 1 })
})

test('an acknowledgement of a part keeps the rest in flight; repeats and foreign ones change nothing', async () => {
  const { outbox, session, delivered } = start()
  for (let k = 0; k < 5; k++) outbox.append('s', [reading(k)])
  const { sent, delivery, confirmed } = session()
  await settled()
  const { epoch } = sent[0] as Pending
  for (let k = 0; k < 2; k++) {
    delivery.acknowledged(epoch, [
      [2, 3],
      [5, 9],
    ])
    delivery.acknowledged('f'.repeat(16), [[1, 5]])
    await settled()
    expect(delivery.status().inFlight).toBe(1)
  }
  expect(outbox.waiting()).toBe(2)
  expect(confirmed).toEqual([])
  delivery.acknowledged(epoch, [[1, 4]])
  await settled()
  expect(delivery.status().inFlight).toBe(0)
  expect(confirmed).toEqual([[epoch, sent[0]?.names]])
  expect(delivered).toEqual([
    [3, 3],
    [2, 2],
  ])
})

test('an acknowledgement that tells the time tells how long the latest of its messages took', async () => {
  const { outbox, clock, session, told } = start()
  outbox.append('s', [reading(1)])
  const { sent, delivery } = session()
  await settled()
  await clock.advance(70)
  const { epoch } = sent[0] as Pending
  delivery.acknowledged(epoch, [[1, 1]], 5)
  delivery.acknowledged(epoch, [[7, 7]], 6)
  await settled()
  expect(told).toEqual([{ time: 5, resolutionMs: 1, roundTripMs: 70 }])
})

test('it ends when the oldest message waits too long, not when any does', async () => {
  const { outbox, clock, session } = start({ ackTimeoutMs: 5_000 })
  outbox.append('s', [reading(1)])
  const { sent, ack, running } = session()
  await settled()
  await clock.advance(4_000)
  ack(sent[0])
  await settled()
  outbox.append('s', [reading(2)], { urgent: true })
  await clock.advance(4_999)
  expect(sent).toHaveLength(2)
  await clock.advance(1)
  await expect(running).rejects.toMatchObject({ code: 'uplink_stalled' })
})

test('what comes in below what has been passed is found all the same', async () => {
  const { outbox, clock, session } = start()
  outbox.append('s', [reading(1)])
  const { sent, values, ack } = session()
  await settled()
  ack(sent[0])
  await settled()
  outbox.salvage(7, 's', [reading('salvaged')])
  await clock.advance(20_000)
  expect(values()).toEqual([1, 'salvaged'])
})

test('batches that the far side will never take are given up, and those behind them go on', async () => {
  const { outbox, session, delivered } = start({ maxBytes: 1 })
  for (let k = 0; k < 4; k++) outbox.append('s', [reading(k)])
  const { sent, delivery } = session()
  await settled()
  const { epoch } = sent[0] as Pending
  delivery.rejected(epoch, [[1, 2]], 'malformed')
  await settled()
  expect(outbox.rejected).toEqual([[epoch, [[1, 2]]]])
  expect(sent.map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
  expect(delivered).toEqual([])
})

type Step =
  | { do: 'append'; urgent: boolean }
  | { do: 'ack'; from: number; length: number }
  | { do: 'reconnect' }
  | { do: 'newEpoch' }
  | { do: 'ackForeign' }
  | { do: 'wait'; ms: number }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('append' as const), urgent: fc.boolean() }) },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('ack' as const),
        from: fc.nat({ max: 40 }),
        length: fc.integer({ min: 1, max: 6 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constantFrom('reconnect' as const, 'newEpoch' as const, 'ackForeign' as const),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat({ max: 3_000 }) }) },
  ),
  { maxLength: 60 },
)

test('all arrives, in the order of its lane, once a session, within the window', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 1, max: 6 }), fc.constantFrom(1, 60, 10_000), run),
    { numRuns: 150 },
  )

  async function run(schedule: Step[], window: number, maxBytes: number): Promise<void> {
    const { outbox, clock, session } = start({ window, maxBytes, ackTimeoutMs: 1e9 })
    const appended = new Map<string, number>()
    const received = new Map<string, unknown>()
    let current = session()
    let boundary = (await outbox.stats()).newest

    function check(): void {
      expect(current.delivery.status().inFlight).toBeLessThanOrEqual(window)
      const positions = current.sent.map(({ position }) => position)
      const [live, backlog] = [
        positions.filter((at) => at > boundary),
        positions.filter((at) => at <= boundary),
      ]
      for (const lane of [live, backlog]) expect(lane).toEqual([...lane].sort((a, b) => a - b))
      const names = current.sent.flatMap(({ epoch, seq, count }) =>
        Array.from({ length: count }, (_, k) => `${epoch} ${seq + k}`),
      )
      expect(new Set(names).size).toBe(names.length)
      for (const message of current.sent)
        for (const [k, value] of valuesIn(message).entries()) {
          const name = `${message.epoch} ${message.seq + k}`
          expect(received.get(name) ?? value).toBe(value)
          received.set(name, value)
        }
    }

    async function reconnect(): Promise<void> {
      check()
      await current.stop()
      boundary = (await outbox.stats()).newest
      current = session()
      await settled()
    }

    async function perform(step: Step): Promise<void> {
      if (step.do === 'append') {
        const { epoch, seq } = outbox.append('s', [reading(appended.size)], step)
        appended.set(`${epoch} ${seq}`, appended.size)
      } else if (step.do === 'ack') {
        const { epoch, seq } = current.sent[step.from % Math.max(1, current.sent.length)] ?? {}
        const ranges: Range[] = [[(seq ?? 0) + (step.length % 3), (seq ?? 0) + step.length]]
        // A far side acknowledges only what it was sent.
        const known = ranges.flatMap(([from, to]) =>
          Array.from({ length: to - from + 1 }, (_, k): Range => [from + k, from + k]),
        )
        const sent = known.filter(([at]) =>
          current.sent.some((m) => m.epoch === epoch && m.seq <= at && at < m.seq + m.count),
        )
        check()
        if (epoch !== undefined) current.delivery.acknowledged(epoch, sent)
      } else if (step.do === 'reconnect') await reconnect()
      else if (step.do === 'newEpoch') outbox.newEpoch()
      else if (step.do === 'ackForeign') current.delivery.acknowledged('f'.repeat(16), [[0, 99]])
      else await clock.advance(step.ms)
      await settled()
    }

    for (const step of schedule) await perform(step)
    await reconnect()
    for (let k = 0; k < 400 && outbox.waiting() > 0; k++) {
      for (const message of current.sent) current.ack(message)
      await clock.advance(100)
    }
    check()
    await current.stop()
    expect(outbox.waiting()).toBe(0)
    expect(received).toEqual(appended)
  }
})
