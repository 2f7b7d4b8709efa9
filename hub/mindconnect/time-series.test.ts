import { expect, test } from 'vitest'
import type { DataPointType } from '../../protocol/data-source-configuration.ts'
import { sortRecords } from './time-series.ts'

const at = '2026-11-21T10:00:00.000Z'

function sort(
  type: DataPointType,
  value: string | number | boolean,
  qualityCode?: string | number,
  timestamp = at,
) {
  const sources = [{ name: 's', dataPoints: [{ id: 'p', name: 'p', type }] }]
  const given = { dataPointId: 'p', value, ...(qualityCode === undefined ? {} : { qualityCode }) }
  return sortRecords([{ timestamp, values: [given] }], sources)
}

test.each([
  ['INT', '-12', -12],
  ['INT', 7, 7],
  ['LONG', '9223372036854775807', 9223372036854775807n],
  ['LONG', '12', 12],
  ['DOUBLE', '21.5', 21.5],
  ['DOUBLE', '1e3', 1000],
  ['DOUBLE', 2, 2],
  ['BOOLEAN', 'TRUE', true],
  ['BOOLEAN', false, false],
  ['STRING', 'x', 'x'],
  ['STRING', 5, '5'],
  ['BIG_STRING', 'y'.repeat(100_000), 'y'.repeat(100_000)],
  ['TIMESTAMP', at, at],
] as const)('%s takes %j', (type, given, value) => {
  expect(sort(type, given).readings).toMatchObject([{ point: 'p', value, quality: 0 }])
})

test.each([
  ['INT', '1.5'],
  ['INT', '2147483648'],
  ['LONG', '9223372036854775808'],
  ['LONG', ''],
  ['DOUBLE', 'warm'],
  ['DOUBLE', '1e999'],
  ['DOUBLE', true],
  ['BOOLEAN', '1'],
  ['STRING', 'x'.repeat(256)],
  ['TIMESTAMP', 'yesterday'],
] as const)('%s does not take %j, which is handed back as it came', (type, value) => {
  expect(sort(type, value)).toEqual({
    readings: [],
    refused: [{ timestamp: at, values: [{ dataPointId: 'p', value }] }],
    reasons: [`a value of the data point p is no ${type}`],
  })
})

test.each([
  ['0', 0],
  ['00000000', 0],
  ['80000000', 0x80000000],
  [64, 64],
])('the quality code %j is understood', (code, quality) => {
  expect(sort('INT', 1, code).readings).toMatchObject([{ quality }])
})

test('microseconds are cut off, and a time without a zone is no time', () => {
  const time = Date.parse('2026-11-21T10:00:00.123Z')
  expect(sort('INT', 1, 0, '2026-11-21T10:00:00.123999Z').readings).toMatchObject([{ time }])
  for (const timestamp of ['2026-11-21T10:00:00', 'now', '2026-13-45T10:00:00Z'])
    expect(sort('INT', 1, 0, timestamp).reasons).toEqual(['a timestamp is not ISO 8601 with a zone'])
  expect(sort('INT', 1, 'good').reasons).toEqual(['a quality code of the data point p is no OPC UA status'])
})
