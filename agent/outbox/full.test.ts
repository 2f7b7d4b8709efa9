import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Clock, systemClock } from '../../core/clock.ts'
import { systemRandom } from '../../core/random.ts'
import type { Gap } from '../../protocol/gap.ts'
import { describeWith } from '../../test/peers.ts'
import type { Outbox } from './index.ts'
import { alarms, all, append, fillUp, noise, open, runsOf, temporaryDir } from './test-setting.ts'

/** The least that there may be: half a megabyte of pages besides log and ballast. */
const small = { maxBytes: 5_900_000, ballastBytes: 65_536 }

async function kept(outbox: Outbox): Promise<Map<string, Set<number>>> {
  const numbers = new Map<string, Set<number>>()
  for (const message of await all(outbox))
    for (const { source, first, readings } of runsOf(message).flat()) {
      const key = `${message.epoch}/${source}`
      const known = numbers.get(key) ?? new Set()
      numbers.set(key, known)
      for (let k = 0; k < readings.length; k++) {
        expect(known.has(first + k)).toBe(false)
        known.add(first + k)
      }
    }
  return numbers
}

function addGaps(numbers: Map<string, Set<number>>, rows: readonly Gap[]): void {
  for (const { epoch, source, first = 1, last = 0, count } of rows) {
    if (source === undefined || last === 0) continue
    expect(count).toBe(last - first + 1)
    const known = numbers.get(`${epoch}/${source}`) ?? new Set()
    numbers.set(`${epoch}/${source}`, known)
    for (let k = first; k <= last; k++) {
      expect(known.has(k)).toBe(false)
      known.add(k)
    }
  }
}

test('when the quota is used the oldest telemetry goes, with its numbers in the ledger, and events stay', async () => {
  const dir = await temporaryDir()
  await using outbox = await open(dir, small)
  const total = 120_000
  for (let k = 0; k < total; k += 2000) {
    await outbox.append({ source: 'alarm', readings: noise(1, k), priority: 'event' })
    await Promise.all([append(outbox, noise(1000, k), 'a'), append(outbox, noise(1000, k + 1), 'b')])
  }
  const stats = await outbox.stats()
  expect(stats.lost.quota).toBeGreaterThan(5_000)
  expect(stats.bytes).toBeLessThan(small.maxBytes)
  for (const { produced, delivered, waiting, lost } of stats.sources)
    expect(produced).toBe(delivered + waiting + (lost.quota ?? 0))

  const numbers = await kept(outbox)
  expect(numbers.get(`${stats.epoch}/alarm`)?.size).toBe(total / 2000)
  const a = numbers.get(`${stats.epoch}/a`)
  expect(a?.has(total / 2)).toBe(true)
  expect(a?.has(1)).toBe(false)
  const { rows } = (await outbox.pendingGaps(10)) as { rows: Gap[] }
  expect(rows.map(({ source, reason }) => [source, reason])).toEqual([
    ['a', 'quota'],
    ['b', 'quota'],
  ])
  addGaps(numbers, rows)
  expect(numbers.get(`${stats.epoch}/a`)?.size).toBe(total / 2)
  expect(numbers.get(`${stats.epoch}/b`)?.size).toBe(total / 2)
})

test('an outbox that refuses tells producers of telemetry, takes events, and takes all again once it is drained', async () => {
  const dir = await temporaryDir()
  await using outbox = await open(dir, { ...small, whenFull: 'refuse_new' })
  let accepted = 0
  for (;;) {
    const refusal = await append(outbox, noise(1000, accepted)).then(
      () => undefined,
      (error) => error,
    )
    if (refusal !== undefined) {
      expect(refusal).toMatchObject({ code: 'outbox_full', retryable: true, statusCode: 503 })
      expect(refusal.cure).toMatch(/max_bytes/)
      break
    }
    accepted += 1000
  }
  expect((await outbox.stats()).sources).toMatchObject([{ produced: accepted, waiting: accepted, lost: {} }])
  await outbox.append({ source: 'alarm', readings: noise(1), priority: 'event' })
  const { epoch } = await outbox.stats()
  await outbox.acknowledge(epoch, [[1, 1_000_000]])
  await append(outbox, noise(1000, accepted))
  expect((await all(outbox)).flatMap(runsOf).flat()[0]).toMatchObject({ first: accepted + 1 })
})

test('the ballast has real blocks', async () => {
  const dir = await temporaryDir()
  await using outbox = await open(dir, { ballastBytes: 1_000_000 })
  await outbox.stats()
  const { blocks, size } = statSync(join(dir, 'outbox.db.ballast'))
  expect(size).toBe(1_000_000)
  expect(blocks * 512).toBeGreaterThanOrEqual(1_000_000)
})

describeWith(['mount', 'umount'], 'on a disk of twelve megabytes', () => {
  test('a full disk takes the ballast and the oldest readings, no more, until space returns', async () => {
    const dir = join(await temporaryDir(), 'disk')
    mkdirSync(dir)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', dir])
    onTestFinished(() => void execFileSync('umount', ['-l', dir]))
    const standing = alarms()
    const clock = { ...systemClock, sleep: hurried }
    await using outbox = await open(dir, { ballastBytes: 2_000_000 }, { alarms: standing, clock })
    await append(outbox, texts(50))
    fillUp(join(dir, 'foreign'))

    for (let k = 0; k < 800; k++) await append(outbox, texts(50))
    expect(standing.standing().map(({ code }) => code)).toEqual(['disk_full'])
    expect(readdirSync(dir)).not.toContain('outbox.db.ballast')
    const stats = await outbox.stats()
    expect(stats.lost.quota).toBeGreaterThan(0)
    const numbers = await kept(outbox)
    addGaps(numbers, (await outbox.pendingGaps(100))?.rows ?? [])
    expect(numbers.get(`${stats.epoch}/s`)?.size).toBe(40_050)

    rmSync(join(dir, 'foreign'))
    await outbox.acknowledge(stats.epoch, [[1, 1_000_000]])
    await expect.poll(() => standing.standing(), { timeout: 5_000 }).toEqual([])
    expect(readdirSync(dir)).toContain('outbox.db.ballast')
    await append(outbox, noise(10))
  })
})

const texts = (count: number) =>
  noise(count).map((reading) => ({ ...reading, value: systemRandom.bytes(150).toString('base64') }))

/** What is done every ten seconds is done all the time. */
const hurried: Clock['sleep'] = (ms, signal) => systemClock.sleep(Math.min(ms, 300), signal)
