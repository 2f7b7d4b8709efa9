import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { createAlarms } from '../../agent/test-outbox.ts'
import { systemClock } from '../../core/clock.ts'
import { startEdgeAuth } from '../../test/edge-auth.ts'

async function box() {
  const alarms = createAlarms({ clock: systemClock, log: pino({ level: 'silent' }) })
  const events = [
    { id: 2, type: 'started', source: 'device', text: 'edgeward has started', time: 2 },
    { id: 1, type: 'onboarded', source: 'device', text: 'the box is an agent', time: 1 },
  ]
  const edge = await startEdgeAuth(
    { throttle: { attempts: 1, windowMs: 900_000, blockMs: 900_000 } },
    undefined,
    {
      alarms: { ...alarms, events: () => events },
    },
  )
  onTestFinished(() => edge[Symbol.asyncDispose]())
  await edge.addUser('ann', 'Admin')
  await edge.addUser('op', 'Operator')
  await edge.addUser('vic', 'Viewer')
  const as =
    (user: string) =>
    <T = object>(operation: string, params: object = {}) =>
      edge.run(operation, params, { user }) as Promise<T>
  return { alarms, edge, as }
}

const forbidden = { code: 'forbidden' }

test('alarms are seen by readers, acknowledged by operators, and mapped by administrators', async () => {
  const { alarms, edge, as } = await box()
  const [admin, operator, viewer] = [as('ann'), as('op'), as('vic')]
  alarms.raise('source_dead:press', 'press: cable pulled')
  alarms.raise('clock_untrusted', 'no time')
  expect(await viewer('alarm.list', { type: 'source_dead' })).toMatchObject([
    {
      type: 'source_dead',
      source: 'press',
      severity: 'MAJOR',
      status: 'ACTIVE',
      text: 'press: cable pulled',
    },
  ])
  await expect(viewer('alarm.ack', { id: 'source_dead:press' })).rejects.toMatchObject(forbidden)
  expect(await operator('alarm.ack', { id: 'source_dead:press' })).toMatchObject({
    ...{ status: 'ACKNOWLEDGED', acknowledgedBy: 'op' },
  })
  await expect(operator('alarm.map', { type: 'clock_untrusted', dropped: true })).rejects.toMatchObject(
    forbidden,
  )
  expect(await admin('alarm.map', { type: 'clock_untrusted', dropped: true })).toMatchObject({ revision: 1 })
  expect(await viewer('alarm.list', { status: 'ACTIVE' })).toEqual([])
  await edge.restart()
  expect(await viewer('alarm.mappings')).toMatchObject([
    { type: 'clock_untrusted', dropped: true, owner: 'ann' },
  ])
  await expect(admin('alarm.map', { type: 'clock_untrusted', ifRevision: 0 })).rejects.toMatchObject({
    code: 'precondition_failed',
  })
  await admin('alarm.unmap', { type: 'clock_untrusted', ifRevision: 1 })
  expect(await viewer('alarm.list', { status: 'ACTIVE' })).toMatchObject([{ severity: 'WARNING' }])
  expect(await viewer('event.list', { type: 'started' })).toMatchObject([{ id: 2 }])
  expect(await edge.run('audit.list', { category: 'Alarm' })).toMatchObject({
    entries: [
      { type: 'alarm_mapping_changed', reason: 'deleted', actor: 'ann' },
      { type: 'alarm_mapping_changed', reason: 'created', actor: 'ann', detail: { dropped: true } },
      { type: 'alarm_acknowledged', actor: 'op', detail: { type: 'source_dead', source: 'press' } },
    ],
  })
})

test('sign-ins that are locked out again and again raise an alarm', async () => {
  const { alarms, edge } = await box()
  const attack = () => alarms.standing().some(({ code }) => code === 'login_attack')
  for (const name of ['ann', 'op', 'vic']) {
    expect(attack()).toBe(false)
    await edge.signIn(name, 'wrong password')
  }
  await expect.poll(attack).toBe(true)
})
