import { pino } from 'pino'
import { expect, test } from 'vitest'
import { manualClock } from '../test/manual-clock.ts'
import type { Silence } from './proof-of-life.ts'
import { createServiceManager, noServiceManager, takeNotifySettings } from './service-manager.ts'

function managed({ watchdogMs = 30_000, isDeaf = false } = {}) {
  const clock = manualClock()
  const sent: string[] = []
  const logged: { level: string; msg: string; silent?: string }[] = []
  const log = pino(
    { formatters: { level: (level) => ({ level }) } },
    { write: (line) => void logged.push(JSON.parse(line)) },
  )
  const send = async (lines: readonly string[]) => {
    if (isDeaf) throw new Error('spawn systemd-notify ENOENT')
    sent.push(...lines)
  }
  const now = { silent: [] as Silence[], summary: 'serves' }
  const manager = createServiceManager({ clock, log, send }, { watchdogMs })
  const stopped = new AbortController()
  const running = manager.run(
    {
      life: { silences: (longerThanMs) => now.silent.filter(({ forMs }) => forMs > longerThanMs) },
      summary: async () => now.summary,
    },
    stopped.signal,
  )
  const stop = () => {
    stopped.abort()
    return running
  }
  const taken = () => sent.splice(0)
  return { clock, manager, now, logged, taken, stop }
}

test('the watchdog is fed from ready on, three times in its span, while everything answers', async () => {
  const { clock, manager, taken, stop } = managed()
  await clock.advance(60_000)
  expect(taken()).toEqual([])
  manager.ready()
  await clock.advance(0)
  expect(taken()).toEqual(['READY=1', 'STATUS=serves', 'WATCHDOG=1'])
  await clock.advance(30_000)
  expect(taken()).toEqual(['WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1'])
  manager.stopping()
  await stop()
  expect(taken()).toEqual(['STOPPING=1', 'STATUS=stops'])
})

test('the watchdog is not fed while somebody is silent, and the log says once who', async () => {
  const { clock, manager, now, logged, taken, stop } = managed()
  manager.ready()
  now.silent = [{ name: 'the outbox', forMs: 15_000 }]
  await clock.advance(10_000)
  expect(taken()).toContain('WATCHDOG=1') // not half of the span yet
  now.silent = [{ name: 'the outbox', forMs: 15_001 }]
  await clock.advance(30_000)
  expect(taken()).toEqual([])
  expect(logged).toMatchObject([{ level: 'error', silent: 'the outbox' }])
  now.silent = []
  await clock.advance(10_000)
  expect(taken()).toEqual(['WATCHDOG=1'])
  expect(logged.at(-1)).toMatchObject({ level: 'info', silent: 'the outbox' })
  await stop()
})

test('the status is told when it has changed, at most once a minute', async () => {
  const { clock, manager, now, taken, stop } = managed()
  const statuses = () => taken().filter((line) => line.startsWith('STATUS='))
  manager.ready()
  now.summary = 'serves; identity onboarded'
  await clock.advance(0)
  expect(statuses()).toEqual(['STATUS=serves', 'STATUS=serves; identity onboarded'])
  now.summary = 'a\nREADY=1'
  await clock.advance(59_000)
  expect(statuses()).toEqual([])
  await clock.advance(1_000)
  expect(statuses(), 'one line, whatever is in it').toEqual(['STATUS=a READY=1'])
  await clock.advance(600_000)
  expect(statuses()).toEqual([])
  await stop()
})

test('a reload is begun and ended', async () => {
  const { clock, manager, taken, stop } = managed()
  let reloaded = 0
  manager.reload(() => void reloaded++)
  await clock.advance(0)
  expect({ reloaded, told: taken() }).toEqual({ reloaded: 1, told: ['RELOADING=1', 'READY=1'] })
  noServiceManager.reload(() => void reloaded++)
  expect(reloaded).toBe(2)
  await stop()
})

test('a manager that cannot be told is complained of once', async () => {
  const { clock, manager, logged, stop } = managed({ isDeaf: true })
  manager.ready()
  await clock.advance(300_000)
  expect(logged.map(({ msg }) => msg)).toEqual(['the service manager cannot be told'])
  await stop()
})

test('what systemd says is taken out of the environment, so that no child speaks in our name', () => {
  const env = { NOTIFY_SOCKET: '/run/n', WATCHDOG_USEC: '3000000', WATCHDOG_PID: '7', PATH: '/bin' }
  expect(takeNotifySettings(env, [8, 7])).toEqual({ socket: '/run/n', watchdogMs: 3_000 })
  expect(env).toEqual({ PATH: '/bin' })
})

test.for([
  [
    'another process is watched',
    { NOTIFY_SOCKET: '/run/n', WATCHDOG_USEC: '9', WATCHDOG_PID: '6' },
    { socket: '/run/n' },
  ],
  ['nobody is watched', { NOTIFY_SOCKET: '/run/n' }, { socket: '/run/n' }],
  ['nobody wants to be told', { WATCHDOG_USEC: '9' }, undefined],
] as const)('%s', ([, env, settings]) => {
  expect(takeNotifySettings({ ...env }, [7])).toEqual(settings)
})
