import { expect, test } from 'vitest'
import { manualClock } from '../../test/manual-clock.ts'
import {
  all,
  append,
  killable,
  open,
  readings,
  storedValues,
  temporaryDir,
  valuesInCopy,
} from './test-setting.ts'

const spill = { mode: 'spill' as const, commitIntervalMs: 250 }

test('what the far side acknowledges within the interval is never written, and its producer is told', async () => {
  const clock = manualClock()
  const dir = await temporaryDir()
  await using outbox = await open(dir, spill, { clock })
  const told = nextPending(outbox)
  const appended = append(outbox, readings(3))
  await clock.advance(125)
  expect(await told).toBe(true)
  const [message] = await all(outbox)
  expect(message).toMatchObject({ seq: 1, readings: 3, urgent: true })
  expect(await valuesInCopy(dir)).toEqual([])
  expect(await outbox.acknowledge(message?.epoch ?? '', [[1, 1]])).toBe(3)
  await appended
  expect(await outbox.stats()).toMatchObject({ takenIn: 3, written: 0, acknowledged: 3, readings: 0 })
})

test('what is not acknowledged by the end of the interval is on disk under the same name', async () => {
  const clock = manualClock()
  const dir = await temporaryDir()
  await using outbox = await open(dir, spill, { clock })
  const told = nextPending(outbox)
  const appended = append(outbox, readings(3))
  await clock.advance(125)
  await told
  const [given] = await all(outbox)
  await clock.advance(125)
  await appended
  expect(await valuesInCopy(dir)).toEqual([0, 1, 2])
  expect(await all(outbox)).toEqual([{ ...given, urgent: false }])
  expect(await outbox.stats()).toMatchObject({ written: 3, readings: 3 })
})

test('after a failure windows go straight to disk, and spilling is tried again after a pause that grows', async () => {
  const clock = manualClock()
  await using outbox = await open(await temporaryDir(), spill, { clock })
  const tried: number[] = []
  outbox.onPending((urgent) => {
    if (urgent) tried.push(Math.round(clock.monotonic() / 1000))
  })
  for (let k = 0; k < 120; k++) {
    const appended = append(outbox, readings(1, k))
    for (let step = 0; step < 2; step++) {
      await clock.advance(125)
      await outbox.stats() // what was begun in the thread is over
      await clock.advance(0)
    }
    await appended
  }
  const pauses = tried.slice(1).map((at, k) => at - (tried[k] as number))
  expect(tried.length).toBeGreaterThanOrEqual(4)
  for (const [k, pause] of pauses.slice(1).entries()) expect(pause).toBeGreaterThan(pauses[k] as number)
})

test('a window that is spilled when its thread is killed keeps its name and readings', async () => {
  const clock = manualClock()
  const { kill, deps } = killable()
  const dir = await temporaryDir()
  await using outbox = await open(dir, spill, { clock, ...deps })
  const told = nextPending(outbox)
  const appended = append(outbox, readings(3))
  await clock.advance(125)
  await told
  const [given] = await all(outbox)
  await kill()
  await appended
  expect(await all(outbox)).toEqual([{ ...given, urgent: false }])
  expect(await valuesInCopy(dir)).toEqual([0, 1, 2])
  expect((await outbox.stats()).epoch).not.toBe(given?.epoch)
  expect(await outbox.pendingGaps(10)).toBeUndefined()
})

test('a thread that is killed again and again loses nothing that was appended, nor doubles it', async () => {
  const { kill, deps } = killable()
  const dir = await temporaryDir()
  await using outbox = await open(dir, { commitIntervalMs: 5 }, deps)
  const values = Array.from({ length: 60 }, (_, k) => k)
  const appended = (async () => {
    for (const k of values) await append(outbox, readings(1, k))
  })()
  for (let round = 0; round < 4; round++) {
    await outbox.stats()
    await kill()
  }
  await appended
  expect(await storedValues(outbox)).toEqual(values)
})

test('a thread that dies too often takes the outbox with it', async () => {
  const { kill, deps } = killable()
  await using outbox = await open(await temporaryDir(), {}, { clock: manualClock(), ...deps })
  const died = expect(outbox.died).rejects.toMatchObject({ code: 'thread_died' })
  for (let round = 0; round < 6; round++) {
    await outbox.stats().catch(() => {})
    await kill()
  }
  await died
  await expect(outbox.stats()).rejects.toMatchObject({ code: 'thread_died' })
})

const nextPending = (outbox: Awaited<ReturnType<typeof open>>): Promise<boolean> =>
  new Promise((resolve) => outbox.onPending(resolve))
