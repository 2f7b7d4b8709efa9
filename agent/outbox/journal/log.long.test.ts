import { statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { noise, temporaryDir } from '../test-setting.ts'
import { openJournal } from './index.ts'

test('the log grows no more once it was made as long as it will become', async () => {
  const path = join(await temporaryDir(), 'outbox.db')
  const names = { epoch: '1'.repeat(16), ledger: '2'.repeat(16), boot: 'boot-1' }
  const limits = { maxBytes: 64_000_000, ballastBytes: 65_536, whenFull: 'drop_oldest' as const }
  const { methods, close } = openJournal(
    { path, ...names, ...limits, floor: 0, isSuccessor: false, now: 1 },
    () => 1,
  )
  function keep(from: number): void {
    const runs = [{ source: 's', readings: noise(12, from) }]
    const { epoch, frames } = methods.seal({ priority: 'telemetry', since: 1, runs }, { isGivenOut: false })
    const seqs = frames.map(({ seq }) => seq)
    methods.write(epoch, seqs)
    methods.acknowledge(
      epoch,
      seqs.map((seq): [number, number] => [seq, seq]),
    )
  }
  methods.growLog()
  keep(0)
  const { size } = statSync(`${path}-wal`)
  expect(size).toBeGreaterThan(4_000_000)
  for (let k = 1; k <= 10_000; k++) {
    keep(k)
    if (k % 40 === 0) methods.settle({ now: k, monotonic: k })
    if (k % 500 === 0) expect(statSync(`${path}-wal`).size).toBe(size)
  }
  expect(statSync(path).size).toBeLessThan(2_000_000)
  close()
})
