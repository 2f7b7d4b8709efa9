import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import type { Gap } from '../../../protocol/gap.ts'
import { readings, temporaryDir } from '../test-setting.ts'
import { type JournalConfig, openJournal } from './index.ts'
import { epochAt, lastEpoch } from './position.ts'

const epochs = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(16))

const openAt = (dir: string, config: Partial<JournalConfig> = {}) =>
  openJournal(
    {
      path: join(dir, 'outbox.db'),
      epoch: epochs[0] as string,
      ledger: '1'.repeat(16),
      boot: 'boot-1',
      ...{ floor: 0, isSuccessor: false, now: 1, whenFull: 'drop_oldest' },
      ...{ maxBytes: 64_000_000, ballastBytes: 65_536 },
      ...config,
    },
    () => 1,
  )

function keep({ methods }: ReturnType<typeof openAt>, source: string, given = readings(1)) {
  const content = { priority: 'telemetry' as const, since: 1, runs: [{ source, readings: given }] }
  const { epoch, frames } = methods.seal(content, { isGivenOut: false })
  const seqs = frames.map(({ seq }) => seq)
  methods.write(epoch, seqs)
  return { epoch, ranges: seqs.map((seq): [number, number] => [seq, seq]) }
}

const counted = (rows: readonly Gap[]) => rows.reduce((sum, { count = 0 }) => sum + count, 0)

test('a ledger of more than ten thousand rows is folded, and no count is lost', async () => {
  const dir = await temporaryDir()
  const journal = openAt(dir)
  const ledger = () => journal.methods.gaps({ limit: 100_000 })
  let lost = 0
  for (let round = 0; round < 20; round++) {
    const losses = Array.from({ length: 600 }, (_, k) => {
      lost += k + 1
      return { source: `s${k}`, reason: 'deadband' as const, count: k + 1, since: round, until: round }
    })
    journal.methods.settle({ now: 1, monotonic: 1 }, { id: `${round}`, losses })
    journal.methods.pendingGaps(20_000) // what is given out grows no more: the next round makes new rows
  }
  expect(ledger().length).toBeLessThanOrEqual(10_000)
  expect(counted(ledger())).toBe(lost)
  for (let k = 0; k < 600; k += 100)
    expect(counted(ledger().filter(({ source }) => source === `s${k}`))).toBe(20 * (k + 1))
  journal.close()
})

test('epochs whose numbers run out are numbered anew, and keep their order, names and batches', async () => {
  const dir = await temporaryDir()
  const first = openAt(dir)
  keep(first, 'first')
  first.close()
  const db = new Database(join(dir, 'outbox.db'))
  const far = lastEpoch - 10
  const by = far - (db.prepare<[], { id: number }>('SELECT id FROM epoch').get()?.id ?? 0)
  db.exec(`UPDATE epoch SET id = ${far}; UPDATE name SET epoch = ${far};
           UPDATE frame SET position = position + ${by} * ${2 ** 34}`)
  db.close()

  const second = openAt(dir, { epoch: epochs[1] as string })
  const kept = keep(second, 'second')
  const messages = second.methods.pending({ after: 0, limit: 10, maxBytes: 1 })
  expect(messages.map(({ epoch, seq }) => [epoch, seq])).toEqual([
    [epochs[0], 1],
    [epochs[1], 1],
  ])
  expect(messages.map(({ names }) => names.map(([, text]) => text).sort())).toEqual([
    ['first', 'p'],
    ['p', 'second'],
  ])
  expect(epochAt(messages[1]?.position ?? 0)).toBeLessThan(lastEpoch / 2)
  expect(second.methods.acknowledge(epochs[0] as string, [[1, 1]])).toBe(1)
  expect(second.methods.acknowledge(kept.epoch, kept.ranges)).toBe(1)
  second.close()
})

test('a successor does not number anew: somebody remembers the positions', async () => {
  const dir = await temporaryDir()
  const first = openAt(dir)
  keep(first, 'first')
  const [before] = first.methods.pending({ after: 0, limit: 1, maxBytes: 1 })
  first.close()
  const floor = lastEpoch - 10
  const second = openAt(dir, { epoch: epochs[1] as string, isSuccessor: true, floor })
  keep(second, 'second')
  const after = second.methods.pending({ after: 0, limit: 10, maxBytes: 1 })
  expect(after[0]?.position).toBe(before?.position)
  expect(epochAt(after[1]?.position ?? 0)).toBe(floor + 1)
  second.close()
})
