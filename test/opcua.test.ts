import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  agentStatus,
  createAgent,
  edgeward,
  eventually,
  freePort,
  readings,
  startGateway,
  startHub,
  tempDir,
} from './harness.ts'
import { point, press, stackPid } from './opcua/gateway.ts'
import { startServer } from './opcua/server.ts'

test('an OPC UA server is read by a gateway that does not notice when the process with the stack is killed', async () => {
  await using dir = await tempDir()
  await using server = await startServer({ port: await freePort(), dir: `${dir.path}/server` })
  await using hub = await startHub(`${dir.path}/hub`)
  await hub.operate('init')
  const agent = await createAgent(hub, 'box', 'SHARED_SECRET')
  await using gateway = await startGateway(`${dir.path}/box`)
  await gateway.operate('identity.onboard', { boarding: agent.boarding })
  const { pid } = await gateway.operate<{ pid: number }>('gateway.describe')
  const rss = (of: number) =>
    Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${of}/status`, 'utf8'))?.[1]) / 1024)
  const before = rss(pid)
  expect(await stackPid(pid)).toBeUndefined()
  const source = async () => (await agentStatus(gateway)).sources.find(({ name }) => name === 'press')
  const configure = (configurationId: string, dataSources: object[]) =>
    hub.operate('agent.configure', { id: agent.id, configuration: { configurationId, dataSources } })

  const count = point('count', 'INT', 'Count', { samplingInterval: '100ms' })
  await configure('press-1', [press(server.endpoint, {}, count)])
  await eventually('a reading at the hub', async () => (await readings(hub, agent.id, 'count')).length > 0)
  const first = (await stackPid(pid)) ?? 0
  process.stdout.write(
    `daemon ${before} MB before, ${rss(pid)} MB with an OPC UA source; its process ${rss(first)} MB\n`,
  )
  process.kill(first, 'SIGKILL')
  await eventually('its points are bad', async () =>
    (await readings(hub, agent.id, 'count')).some(({ quality }) => quality === 0x80310000),
  )
  await server.set('Count', 21)
  await eventually('it reads again', async () =>
    (await readings(hub, agent.id, 'count')).some(({ value }) => value === 21),
  )
  expect(await stackPid(pid)).not.toBe(first)
  expect((await gateway.operate<{ pid: number }>('gateway.describe')).pid).toBe(pid)

  const browsed = await edgeward([
    'source',
    'browse',
    server.endpoint,
    '--node',
    'ns=2;s=Press',
    '--state-dir',
    `${dir.path}/box`,
  ])
  expect([browsed.code, browsed.stderr]).toEqual([0, ''])
  expect(browsed.stdout).toMatch(/^ {2}2:Count +ns=2;s=Count +Variable +Int32 +21$/m)

  const seen = await edgeward(['source', 'trust', '--state-dir', `${dir.path}/box`])
  expect(seen.stdout).toMatch(/^own +[\dA-F]{40} .*CN=edgeward@/m)

  await configure('press-2', [])
  await eventually('the process has ended', async () => (await stackPid(pid)) === undefined)
  expect(await source()).toBeUndefined()
})
