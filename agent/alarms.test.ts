import { expect, test } from 'vitest'
import { createLog } from '../core/log.ts'
import { manualClock } from '../test/manual-clock.ts'
import { createAlarms } from './alarms.ts'

test('an alarm keeps its moment, takes the newest message, is logged when it changes, and goes', async () => {
  const clock = manualClock(1_000)
  const logged: string[] = []
  const log = createLog('info', { write: (line) => void logged.push(JSON.parse(line).msg) })
  const alarms = createAlarms({ clock, log })
  alarms.raise('disk_full', 'no room')
  await clock.advance(500)
  alarms.raise('disk_full', 'no room')
  alarms.raise('disk_full', 'still no room')
  alarms.raise('other', 'something else')
  expect(alarms.standing()).toEqual([
    { code: 'disk_full', message: 'still no room', raisedAt: 1_000 },
    { code: 'other', message: 'something else', raisedAt: 1_500 },
  ])
  alarms.clear('disk_full')
  alarms.clear('disk_full')
  expect(alarms.standing()).toMatchObject([{ code: 'other' }])
  alarms.raise('disk_full', 'no room')
  expect(alarms.standing()[1]).toMatchObject({ code: 'disk_full', raisedAt: 1_500 })
  expect(logged).toEqual([...Array(3).fill('alarm raised'), 'alarm cleared', 'alarm raised'])
})
