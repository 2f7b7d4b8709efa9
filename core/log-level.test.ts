import { expect, test } from 'vitest'
import { manualClock } from '../test/manual-clock.ts'
import { run } from './control.ts'
import { createLog } from './log.ts'
import { createLogLevel, type LevelChange } from './log-level.ts'

function started() {
  const written: string[] = []
  const log = createLog('info', { write: (line) => void written.push(JSON.parse(line).msg) })
  const modules = new Map(['agent', 'broker'].map((module) => [module, log.child({ module })]))
  const agent = modules.get('agent') as typeof log
  const outbox = agent.child({ part: 'outbox' })
  const broker = modules.get('broker') as typeof log
  const clock = manualClock()
  const told: LevelChange[] = []
  const levels = createLogLevel({ log, modules, clock, told: (change) => void told.push(change) })
  const debugged = (): string[] => {
    for (const [name, one] of Object.entries({ log, agent, outbox, broker })) one.debug(name)
    return written.splice(0)
  }
  return {
    clock,
    told,
    debugged,
    ask: (name: string, params: object = {}) => run(levels.operations, name, params),
  }
}

test('a level holds for all that log, those within modules too, and goes back by itself', async () => {
  const { clock, told, debugged, ask } = started()
  expect(debugged()).toEqual([])
  await ask('log.setLevel', { level: 'debug' })
  expect(debugged()).toEqual(['log', 'agent', 'outbox', 'broker'])
  await clock.advance(14 * 60_000)
  expect(await ask('log.level')).toEqual({
    ...{ level: 'debug', configured: 'info', modules: ['agent', 'broker'] },
    set: [{ level: 'debug', leftMs: 60_000 }],
  })
  await clock.advance(60_000)
  expect(debugged()).toEqual([])
  expect(told).toEqual([
    { reason: 'set', level: 'debug', forMs: 900_000 },
    { reason: 'ended', level: 'info' },
  ])
})

test('one module alone; what is set anew counts from then on', async () => {
  const { clock, debugged, ask } = started()
  await ask('log.setLevel', { level: 'debug', module: 'agent', forMs: 10_000 })
  expect(debugged()).toEqual(['agent', 'outbox'])
  await clock.advance(9_000)
  await ask('log.setLevel', { level: 'trace', module: 'agent', forMs: 10_000 })
  await clock.advance(9_000)
  expect(debugged()).toEqual(['agent', 'outbox'])
  await clock.advance(1_000)
  expect(debugged()).toEqual([])
})

test('a module keeps its own level while the rest changes, and is taken back with all or alone', async () => {
  const { told, debugged, ask } = started()
  await ask('log.setLevel', { level: 'debug' })
  await ask('log.setLevel', { level: 'error', module: 'broker' })
  expect(debugged()).toEqual(['log', 'agent', 'outbox'])
  await ask('log.resetLevel', { module: 'broker' })
  expect(debugged()).toEqual(['log', 'agent', 'outbox', 'broker'])
  await ask('log.setLevel', { level: 'debug', module: 'agent' })
  expect(await ask('log.resetLevel')).toMatchObject({ level: 'info', set: [] })
  expect(debugged()).toEqual([])
  expect(told.slice(-2)).toEqual([
    { reason: 'reset', level: 'info' },
    { reason: 'reset', module: 'agent', level: 'info' },
  ])
})

test('levels and modules that do not exist are refused with those that do, and a day is the longest', async () => {
  const { debugged, ask } = started()
  await expect(ask('log.setLevel', { level: 'loud' })).rejects.toThrow(/trace or debug or info/)
  await expect(ask('log.setLevel', { level: 'debug', module: 'agnet' })).rejects.toMatchObject({
    cure: 'Modules are agent, broker.',
  })
  await expect(ask('log.setLevel', { level: 'debug', forMs: 86_400_001 })).rejects.toThrow('forMs')
  expect(debugged()).toEqual([])
})
