import { expect, test } from 'vitest'
import { exposition } from './exposition.ts'

test('a counter is told as one, with a sample for each set of labels', async () => {
  const { text } = await exposition([
    {
      name: 'box_lost_total',
      help: 'Lost.',
      kind: 'counter',
      samples: [
        { labels: { reason: 'quota' }, value: 3 },
        { labels: { reason: 'age' }, value: 0 },
      ],
    },
    { name: 'box_written_total', help: 'Never yet.', kind: 'counter', samples: [] },
    { name: 'box_offset', help: 'May be negative.', samples: [{ value: -2.5 }] },
  ])
  expect(text).toContain('# TYPE box_lost_total counter\n')
  expect(text).toContain('box_lost_total{reason="quota"} 3\nbox_lost_total{reason="age"} 0\n')
  expect(text).not.toMatch(/^box_written_total/m)
  expect(text).toContain('# TYPE box_offset gauge\nbox_offset -2.5\n')
})
