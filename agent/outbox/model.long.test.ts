import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Gap } from '../../protocol/gap.ts'
import type { Outbox, Pending } from './index.ts'
import { killable, open, readings, runsOf, temporaryDir } from './test-setting.ts'

/** More of them find what is rare. */
const runs = Number(process.env.CHECK_RUNS ?? 6)

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      source: fc.constantFrom('a', 'b'),
      count: fc.integer({ min: 1, max: 20 }),
      isEvent: fc.boolean(),
      isProven: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('take' as const), maxBytes: fc.constantFrom(1, 200, 100_000) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('acknowledge' as const),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('repeat' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reject' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('lose' as const), count: fc.integer({ min: 1, max: 9 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('prove' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('setAside' as const) }) },
)

/** What the far side knows: the content of each batch, and which it has committed. */
interface FarSide {
  contents: Map<string, string>
  committed: Map<string, Set<unknown>>
  rejected: Set<unknown>
}

test(
  'whatever happens in whatever order: nothing appended is lost, no name has two contents, the balance is exact',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 25 }),
        fc.constantFrom('spill' as const, 'always' as const),
        async (steps, mode) => {
          const dir = await temporaryDir()
          const { kill, deps } = killable()
          const start = () => open(dir, { mode, commitIntervalMs: 8 }, deps)
          let outbox = await start()
          const far: FarSide = { contents: new Map(), committed: new Map(), rejected: new Set() }
          const resolved: unknown[] = []
          let unresolved: Promise<void>[] = []
          const aside: string[] = []
          let value = 0
          let kills = 0
          let forgotten = new Set<string>()
          try {
            for (const act of steps) {
              if (act.do === 'append') {
                const given = readings(act.count, value).map((reading) =>
                  act.isProven ? reading : { ...reading, monotonic: reading.time },
                )
                value += act.count
                const priority = act.isEvent ? 'event' : 'telemetry'
                const appended = outbox.append({ source: act.source, readings: given, priority })
                unresolved.push(
                  appended.then(() => void resolved.push(...given.map((reading) => reading.value))),
                )
              } else if (act.do === 'take') await take(outbox, far, { maxBytes: act.maxBytes, share: 0 })
              else if (act.do === 'acknowledge')
                await take(outbox, far, { maxBytes: 100_000, share: act.share })
              else if (act.do === 'repeat') {
                for (const [name, values] of far.committed) {
                  const [epoch, seq] = name.split('/') as [string, string]
                  const freed = await outbox.acknowledge(epoch, [[Number(seq), Number(seq)]])
                  if (freed !== 0) expect(forgotten.has(name) && freed).toBe(values.size)
                  forgotten.delete(name)
                }
              } else if (act.do === 'reject') await reject(outbox, far)
              else if (act.do === 'lose') outbox.lose('a', 'deadband', act.count)
              else if (act.do === 'kill' && kills++ < 3) {
                await kill()
                // A thread that died may not have written yet what was acknowledged, and has it once more.
                forgotten = new Set(far.committed.keys())
              } else if (act.do === 'prove')
                await outbox.prove({ monotonic: value, time: 9_000_000, errorMs: 1 })
              else if (act.do === 'setAside') {
                aside.push(join(dir, `aside-${aside.length}.db`))
                await outbox.setAside(aside.at(-1) as string)
              } else if (act.do === 'reopen') {
                await outbox[Symbol.asyncDispose]()
                outbox = await start()
              }
              await expectBalance(outbox)
            }
            await Promise.all(unresolved)
            unresolved = []
            await take(outbox, far, { maxBytes: 100_000, share: 1 })
            expect(await outbox.stats()).toMatchObject({ readings: 0, batches: 0 })
            await expectBalance(outbox)
            let rejected = rejectedIn((await outbox.pendingGaps(1000))?.rows ?? [])
            for (const path of aside) {
              await using former = await open(dir, { path })
              rejected += rejectedIn((await former.pendingGaps(1000))?.rows ?? [])
              await take(former, far, { maxBytes: 100_000, share: 1 })
            }
            const arrived = [...far.committed.values()].flatMap((values) => [...values])
            const known = [...arrived, ...far.rejected]
            expect(known.sort(byNumber)).toEqual([...resolved].sort(byNumber))
            expect(rejected).toBe(far.rejected.size)
          } finally {
            await outbox[Symbol.asyncDispose]()
            await Promise.allSettled(unresolved)
          }
        },
      ),
      { numRuns: runs, endOnFailure: true },
    )
  },
  12_000 * runs,
)

const byNumber = (a: unknown, b: unknown) => Number(a) - Number(b)

const rejectedIn = (rows: readonly Gap[]): number =>
  rows.filter(({ reason }) => reason === 'rejected').reduce((sum, { count = 0 }) => sum + count, 0)

async function expectBalance(outbox: Outbox): Promise<void> {
  for (const { produced, delivered, waiting, lost } of (await outbox.stats()).sources) {
    expect(produced).toBe(delivered + waiting + Object.values(lost).reduce((sum, count) => sum + count, 0))
    expect(Math.min(delivered, waiting)).toBeGreaterThanOrEqual(0)
  }
}

/** Each batch of a message by its name, as the far side keeps it. */
function batchesOf(message: Pending): { name: string; seq: number; values: unknown[]; text: string }[] {
  return runsOf(message).map((batch, k) => ({
    name: `${message.epoch}/${message.seq + k}`,
    seq: message.seq + k,
    values: batch.flatMap((run) => run.readings.map((reading) => reading.value)),
    text: JSON.stringify(batch),
  }))
}

async function take(outbox: Outbox, far: FarSide, how: { maxBytes: number; share: number }): Promise<void> {
  const messages = await outbox.pending({ after: 0, limit: 1000, maxBytes: how.maxBytes })
  const all = messages.flatMap((message) =>
    batchesOf(message).map((batch) => ({ ...batch, epoch: message.epoch })),
  )
  for (const { name, text } of all) {
    expect(far.contents.get(name) ?? text).toBe(text)
    far.contents.set(name, text)
  }
  for (const { name, epoch, seq, values } of all.slice(0, Math.ceil(all.length * how.share))) {
    far.committed.set(name, new Set(values))
    await outbox.acknowledge(epoch, [[seq, seq]])
  }
}

async function reject(outbox: Outbox, far: FarSide): Promise<void> {
  const [message] = await outbox.pending({ after: 0, limit: 1, maxBytes: 100_000 })
  const batch = message && batchesOf(message).at(-1)
  if (message === undefined || batch === undefined) return
  // A thread that died has forgotten what was acknowledged, and gives it once more: nobody rejects that.
  if (far.committed.has(batch.name)) return
  for (const value of batch.values) far.rejected.add(value)
  far.contents.set(batch.name, batch.text)
  await outbox.reject(message.epoch, [[batch.seq, batch.seq]])
}
