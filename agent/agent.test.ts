import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../core/clock.ts'
import { run } from '../core/control.ts'
import { createHttp } from '../core/http-client.ts'
import { systemRandom } from '../core/random.ts'
import { type HubInProcess, hubInProcess, silent } from '../test/hub-in-process.ts'
import { openAgent } from './index.ts'

let hub: HubInProcess
let stateDir: string
beforeAll(async () => {
  hub = await hubInProcess()
})
afterAll(() => hub[Symbol.asyncDispose]())
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'edgeward-agent-'))
  return () => rm(stateDir, { recursive: true })
})

async function startAgent() {
  const retry = { initialMs: 5, maxMs: 50 }
  const agent = await openAgent(
    { http: createHttp(), clock: systemClock, random: systemRandom, log: silent },
    {
      stateDir,
      retry,
      uplink: { window: 8, ackTimeoutMs: 10_000, retry },
      outbox: { commitIntervalMs: 10, commitBytes: 65_536 },
      sources: { minIntervalMs: 100 },
    },
  )
  const stop = new AbortController()
  const running = agent.run(stop.signal)
  return {
    ...agent,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
      await agent[Symbol.asyncDispose]()
    },
  }
}

const fromApps = {
  configurationId: 'apps',
  dataSources: [
    {
      name: 'press',
      customData: { protocol: 'mqtt' },
      dataPoints: [
        {
          id: 'temp',
          name: 'temperature',
          type: 'DOUBLE',
          unit: 'C',
          customData: { topic: 'apps/press/temp' },
        },
      ],
    },
  ],
}

test('what an app publishes arrives at the hub once the box is onboarded and configured', async () => {
  const { id, boarding } = await hub.createAgent('whole', 'SHARED_SECRET')
  await hub.ask('agent.configure', { id, configuration: fromApps })
  await using agent = await startAgent()
  const publish = () => agent.offer('apps/press/temp', Buffer.from('21.5'))
  expect(publish()).toBeUndefined() // no data point is bound to the topic yet
  await run(agent.operations, 'identity.onboard', { boarding })
  await expect.poll(() => publish() !== undefined, { timeout: 10_000 }).toBe(true)
  const arrived = async () => JSON.stringify(await hub.ask('data.query', { agent: id, point: 'temp' }))
  await expect.poll(arrived, { timeout: 10_000 }).toContain('21.5')
  expect(await run(agent.operations, 'agent.status', {})).toMatchObject({
    identity: { state: 'onboarded', agentId: id },
    uplink: { state: 'connected' },
    configuration: { configurationId: 'apps', dataPoints: 1 },
    sources: [{ name: 'press' }],
  })
})

test('a box with a damaged identity goes on collecting, says so, and leaves the file as it is', async () => {
  await mkdir(join(stateDir, 'identity'))
  await mkdir(join(stateDir, 'configuration'))
  await writeFile(join(stateDir, 'identity', 'identity.json'), '{')
  const kept = { id: 'x', eTag: '1', ...fromApps }
  await writeFile(join(stateDir, 'configuration', 'dsc.json'), JSON.stringify(kept))
  const { boarding } = await hub.createAgent('damaged', 'SHARED_SECRET')

  await using agent = await startAgent()
  await agent.offer('apps/press/temp', Buffer.from('21.5'))
  expect(await run(agent.operations, 'agent.status', {})).toMatchObject({
    identity: { state: 'needs-onboarding', reason: expect.stringContaining('cannot be read') },
    outbox: { readings: 1 },
  })
  await expect(run(agent.operations, 'identity.onboard', { boarding })).rejects.toMatchObject({
    code: 'identity_unreadable',
  })
  expect(await readFile(join(stateDir, 'identity', 'identity.json'), 'utf8')).toBe('{')
})
