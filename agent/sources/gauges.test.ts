import { expect, test } from 'vitest'
import { sourceGauges } from './gauges.ts'
import type { SourceStatus } from './tally.ts'

const source = (name: string, more: Partial<SourceStatus> = {}): SourceStatus => ({
  ...{ name, protocol: 'mqtt', state: 'good', readings: 10, bad: { type_mismatch: 1, out_of_range: 2 } },
  ...{ refused: 0, lost: 0, withheld: 0, overruns: 0 },
  ...more,
})

test('hundreds of data sources have no more series than the first fifty and one', () => {
  const sources = Array.from({ length: 400 }, (_, k) =>
    source(`line ${k}`, { lateMs: { median: 1, max: k } }),
  )
  sources.push(source('the last', { state: 'dead', lastReadingAt: 5_000 }))
  const gauges = new Map(sourceGauges(sources).map(({ name, samples }) => [name, samples]))
  for (const [name, samples] of gauges) expect(samples.length, name).toBeLessThanOrEqual(51)
  const other = (name: string) => gauges.get(name)?.find(({ labels }) => labels?.source === 'other')?.value
  expect(other('edgeward_source_readings_total')).toBe(351 * 10)
  expect(other('edgeward_source_bad_readings_total')).toBe(351 * 3)
  expect(other('edgeward_source_up')).toBe(0)
  expect(other('edgeward_source_late_seconds')).toBe(0.399)
  expect(gauges.get('edgeward_sources')).toContainEqual({ labels: { state: 'good' }, value: 400 })
  expect(gauges.get('edgeward_sources')).toContainEqual({ labels: { state: 'dead' }, value: 1 })
})
