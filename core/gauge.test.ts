import { expect, test } from 'vitest'
import { exposition } from './exposition.ts'
import { bounded, sum } from './gauge.ts'
import { createHistogram } from './histogram.ts'

const names = (count: number) => Array.from({ length: count }, (_, k) => [`n${k}`, k + 1] as const)

test('of names that people choose so many have a series, and the others share one', () => {
  const samples = bounded('name', names(1_000), { most: 3, together: sum })
  expect(samples.map(({ labels }) => labels?.name)).toEqual(['n0', 'n1', 'n2', 'other'])
  expect(samples.reduce((all, { value }) => all + value, 0)).toBe((1_000 * 1_001) / 2)
  const [, , , worst] = bounded('name', names(9), { most: 3, together: Math.min })
  expect(worst?.value).toBe(4)
})

test('a name that comes twice, or is called other, makes no second series', () => {
  const given = [...names(2), ['n0', 5], ['other', 7], ['more', 1]] as const
  const samples = bounded('name', given, { most: 3, together: sum })
  expect(samples).toEqual([
    { labels: { name: 'n0' }, value: 6 },
    { labels: { name: 'n1' }, value: 2 },
    { labels: { name: 'other' }, value: 8 },
  ])
})

test('a histogram is told in cumulative buckets, with sum and count', async () => {
  const seconds = createHistogram([0.1, 1])
  for (const value of [0.05, 0.1, 0.5, 7]) seconds.observe(value)
  const { text } = await exposition([seconds.gauge('box_commit_seconds', 'Commits.')])
  expect(text.trim().split('\n')).toEqual([
    '# HELP box_commit_seconds Commits.',
    '# TYPE box_commit_seconds histogram',
    'box_commit_seconds_bucket{le="0.1"} 2',
    'box_commit_seconds_bucket{le="1"} 3',
    'box_commit_seconds_bucket{le="+Inf"} 4',
    'box_commit_seconds_sum 7.65',
    'box_commit_seconds_count 4',
  ])
})

test('what several parts say under one name is said once, with the samples of all', async () => {
  const requests = (listener: string) => ({
    ...{ name: 'box_requests_total', help: 'Requests.', kind: 'counter' as const },
    samples: [{ labels: { listener, path: 'a"b\nc' }, value: 1 }],
  })
  const { text } = await exposition([requests('apps'), requests('admin')])
  expect(text.match(/^# TYPE/gm)).toHaveLength(1)
  expect(text).toContain('box_requests_total{listener="apps",path="a\\"b\\nc"} 1\n')
  expect(text).toContain('box_requests_total{listener="admin",path="a\\"b\\nc"} 1\n')
})
