import { expect, onTestFinished, test } from 'vitest'
import { startEdgeAuth } from '../../test/edge-auth.ts'
import { type Aged, isOld, type Rule, rulesFor } from './rule.ts'

const day = 86_400_000
const now = 1_000 * day
const rule = (dataType: Rule['dataType'], maximumAge: number, more: Partial<Rule> = {}): Rule => ({
  ...{ dataType, maximumAge, fragmentType: '*', type: '*', source: '*' },
  ...more,
})
const goes = (rules: readonly Rule[], dataType: Rule['dataType'], days: number, more: Partial<Aged> = {}) => {
  const thing = { type: 'x', sources: ['press'], fragments: [], at: now - days * day, ...more }
  return rulesFor(rules, dataType, now).some((each) => isOld(each, thing))
}

test('measurements of one type and source for seven days, all others for sixty', () => {
  const rules = [rule('*', 60), rule('MEASUREMENT', 7, { type: 'temperature', source: 'press' })]
  const temperature = { type: 'temperature' }
  expect([6, 8].map((days) => goes(rules, 'MEASUREMENT', days, temperature))).toEqual([false, true])
  expect([8, 59, 61].map((days) => goes(rules, 'MEASUREMENT', days))).toEqual([false, false, true])
  expect(goes(rules, 'MEASUREMENT', 8, { ...temperature, sources: ['saw'] })).toBe(false)
  expect(goes(rules, 'EVENT', 8, temperature)).toBe(false)
})

test('a rule that keeps one type for longer does not protect it from the shorter rule for all', () => {
  const rules = [rule('*', 60), rule('EVENT', 365, { type: 'started' })]
  expect([59, 61].map((days) => goes(rules, 'EVENT', days, { type: 'started' }))).toEqual([false, true])
  expect(goes(rules.slice(1), 'EVENT', 61, { type: 'started' })).toBe(false)
})

test('a fragment is a member that it has', () => {
  const rules = [rule('AUDIT', 1, { fragmentType: 'scope' })]
  expect(goes(rules, 'AUDIT', 2, { fragments: ['forMs', 'scope'] })).toBe(true)
  expect(goes(rules, 'AUDIT', 2, { fragments: ['forMs'] })).toBe(false)
})

interface Kept {
  id: number
  maximumAge: number
  revision: number
}

async function box() {
  const kept = { events: [] as Aged[], alarms: [] as Aged[], readingsMs: undefined as number | undefined }
  const forgetting = (of: 'events' | 'alarms') => (isOld: (thing: Aged) => boolean) => {
    const before = kept[of].length
    kept[of] = kept[of].filter((thing) => !isOld(thing))
    return before - kept[of].length
  }
  const edge = await startEdgeAuth({}, undefined, {
    kept: {
      removeEvents: forgetting('events'),
      removeAlarms: forgetting('alarms'),
      keepReadingsFor(maxAgeMs) {
        kept.readingsMs = maxAgeMs
      },
    },
  })
  onTestFinished(() => edge[Symbol.asyncDispose]())
  const run = <T = Kept>(name: string, params: object = {}, user?: string) =>
    edge.run(`retention.${name}`, params, user === undefined ? undefined : { user }) as Promise<T>
  const thing = (type: string, days: number): Aged => ({
    ...{ type, sources: ['device'], fragments: [], at: Date.now() - days * day },
  })
  return { edge, kept, run, thing }
}

test('what is old goes: events, alarms, whole stretches of the audit; readings by the shortest rule', async () => {
  const { edge, kept, run, thing } = await box()
  expect(kept.readingsMs).toBe(60 * day)
  await run('add', { dataType: 'EVENT', type: 'started', maximumAge: 7 })
  await run('add', { dataType: 'EVENT', type: 'onboarded', maximumAge: 365 })
  const { id } = await run('add', { dataType: 'MEASUREMENT', maximumAge: 30 })
  expect(kept.readingsMs).toBe(30 * day)
  kept.events = [thing('started', 8), thing('started', 6), thing('stopped', 8), thing('onboarded', 61)]
  kept.alarms = [thing('disk_full', 59), thing('disk_full', 61)]
  expect(await run('run')).toEqual({ removed: { AUDIT: 0, EVENT: 2, ALARM: 1 } })
  expect(kept.events.map(({ type }) => type)).toEqual(['started', 'stopped'])
  await run('remove', { id })
  expect(kept.readingsMs).toBe(60 * day)

  await edge.restart() // what has been so far is signed for
  await edge.stepClock(61 * day)
  await edge.run('audit.add', { text: 'today' })
  const { removed } = (await run<{ removed: { AUDIT: number } }>('run')) as { removed: { AUDIT: number } }
  expect(removed.AUDIT).toBeGreaterThan(3)
  expect(await edge.run('audit.verify')).toMatchObject({ isGood: true })
  const { entries } = (await edge.run('audit.list')) as { entries: { type: string }[] }
  expect(entries.map(({ type }) => type)).toContain('custom')
  expect(entries.map(({ type }) => type)).not.toContain('retention_changed')
})

test('rules are changed by who may, once, and those of the machine by nobody else', async () => {
  const { edge, run } = await box()
  await edge.addUser('ann', 'ConfigManager')
  await edge.addUser('vic', 'Viewer')
  expect(await run('list', {}, 'ann')).toMatchObject([{ dataType: '*', maximumAge: 60, editable: true }])
  const denied = { code: 'forbidden' }
  await expect(run('list', {}, 'vic')).rejects.toMatchObject({ code: 'forbidden' })
  await expect(run('run', {}, 'vic')).rejects.toMatchObject(denied)
  expect(await run('set', { id: 1, maximumAge: 90, ifRevision: 1 }, 'ann')).toMatchObject({ revision: 2 })
  await expect(run('set', { id: 1, maximumAge: 9, ifRevision: 1 }, 'ann')).rejects.toMatchObject({
    code: 'precondition_failed',
  })
  for (const maximumAge of [0, 3_651, 1.5])
    await expect(run('set', { id: 1, maximumAge })).rejects.toMatchObject({ code: 'invalid' })
  await expect(run('add', { dataType: 'MEASUREMENT', type: 'x', maximumAge: 7 })).rejects.toMatchObject({
    code: 'invalid',
  })
  const fixed = await run('add', { dataType: 'AUDIT', maximumAge: 3_650, editable: false })
  await expect(run('remove', { id: fixed.id }, 'ann')).rejects.toMatchObject({ code: 'not_editable' })
  await run('remove', { id: 1 }, 'ann')
  await edge.restart()
  expect(await run('list')).toMatchObject([{ id: fixed.id, maximumAge: 3_650, editable: false }])
  expect(await edge.run('audit.list', { type: 'retention_changed' })).toMatchObject({
    entries: [
      { reason: 'deleted', actor: 'ann' },
      { reason: 'created', actor: 'machine' },
      { reason: 'updated', actor: 'ann', detail: { maximumAge: 90 } },
    ],
  })
})
