import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { systemClock } from '../core/clock.ts'
import { openNetwork } from '../core/net/index.ts'
import { agentStatus, eventually, type Gateway, startGateway, startHub, tempDir } from './harness.ts'
import { describeWith } from './peers.ts'
import { type FakeManager, startManager } from './service/manager.ts'

const { http } = openNetwork()
const hang = fileURLToPath(new URL('service/hang.fixture.ts', import.meta.url))
const watchdogMs = 3_000

const environment = ({ socket }: FakeManager) => ({
  NOTIFY_SOCKET: socket,
  WATCHDOG_USEC: String(watchdogMs * 1_000),
  NODE_OPTIONS: `--import ${hang}`,
})

/** Whatever was on its way has arrived; from here on nothing more comes, for as long as systemd would wait. */
async function expectStarved(manager: FakeManager): Promise<void> {
  await eventually('no more food', async () => {
    const before = manager.fed()
    await systemClock.sleep(watchdogMs)
    return manager.fed() === before
  })
}

async function fedOnceMore(manager: FakeManager): Promise<void> {
  const before = manager.fed()
  await eventually('food', async () => manager.fed() > before)
}

describeWith(['systemd-notify', 'python3'], 'a service manager', () => {
  test.concurrent('is told when everything listens, that it lives, of a reload, of what changes, and of the end', async () => {
    await using dir = await tempDir()
    await using manager = await startManager(`${dir.path}/notify`)
    await using gateway = await startGateway(`${dir.path}/box`, environment(manager))
    await manager.hears('READY=1')
    const health = await http({ method: 'GET', url: `${gateway.addresses.admin}/healthz` })
    expect(health.status, 'of a box that knows no hub').toBe(200)
    expect(manager.told.slice(0, 2)).toEqual(['READY=1', 'STATUS=serves'])
    await manager.hears('STATUS=serves; identity unboarded; uplink waiting; alarms 0')
    await fedOnceMore(manager)

    gateway.process.kill('SIGHUP')
    await manager.hears('RELOADING=1')
    const ready = () => manager.told.lastIndexOf('READY=1')
    await eventually('ready again', async () => ready() > manager.told.indexOf('RELOADING=1'))
    await fedOnceMore(manager)

    await gateway.stop()
    await manager.hears('STOPPING=1')
  })

  test.concurrent('is not fed once the thread of a store hangs, and the log says which', async () => {
    await using dir = await tempDir()
    await using manager = await startManager(`${dir.path}/notify`)
    const gateway = await startGateway(`${dir.path}/box`, environment(manager))
    await using _killed = killing(gateway)
    await fedOnceMore(manager)
    gateway.process.kill('SIGUSR2')
    await expectStarved(manager)
    const told = gateway
      .log()
      .split('\n')
      .filter((line) => line.includes('the watchdog is not fed'))
    expect(told.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ level: 'error', silent: 'the outbox' }),
    )
    expect(manager.told, 'the rest goes on').not.toContain('STOPPING=1')
    expect((await agentStatus(gateway)).identity.state).toBe('unboarded')
  })

  test.concurrent('is not fed once the event loop hangs', async () => {
    await using dir = await tempDir()
    await using manager = await startManager(`${dir.path}/notify`)
    const gateway = await startGateway(`${dir.path}/box`, environment(manager))
    await using _killed = killing(gateway)
    await fedOnceMore(manager)
    gateway.process.kill('SIGWINCH')
    await expectStarved(manager)
  })

  test.concurrent('is told the same by a hub', async () => {
    await using dir = await tempDir()
    await using manager = await startManager(`${dir.path}/notify`)
    await using hub = await startHub(`${dir.path}/hub`, environment(manager))
    await manager.hears('READY=1')
    await fedOnceMore(manager)
    await hub.stop()
    await manager.hears('STOPPING=1')
  })
})

/** What hangs does not end when it is asked to. */
const killing = (gateway: Gateway): AsyncDisposable => ({
  [Symbol.asyncDispose]: () => gateway.stop('SIGKILL'),
})
