import { randomBytes } from 'node:crypto'
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import { expect, test } from 'vitest'
import { startApp } from '../bench/app.ts'
import { ask } from '../bench/ask.ts'
import { systemClock } from '../core/clock.ts'
import type { DataSourceConfigurationUpdate } from '../protocol/data-source-configuration.ts'
import {
  agentStatus,
  createAgent,
  eventually,
  type Gateway,
  joinPlant,
  plant,
  readings,
  runProgram,
  sameAddresses,
  startGateway,
  startHub,
  tempDir,
} from './harness.ts'
import { describeWith } from './peers.ts'

const megabyte = 1024 * 1024
const diskMegabytes = 32

describeWith(['mount', 'umount'], 'a box whose disk is full', () => {
  test('goes on serving, applies its policy, says so, and recovers by itself when there is space', async () => {
    await using dir = await tempDir()
    const disk = join(dir.path, 'disk')
    await using _mounted = await smallDisk(disk)
    const hubDir = join(dir.path, 'hub')
    let hub = await startHub(hubDir)
    await using cleanUp = new AsyncDisposableStack()
    cleanUp.defer(() => hub.stop())
    await hub.operate('init')
    const agent = await createAgent(hub, 'box', 'SHARED_SECRET')
    const gateway = await startGateway(join(disk, 'box'), {
      EDGEWARD_OUTBOX_MAX_BYTES: String(64 * megabyte),
    })
    cleanUp.use(gateway)
    const app = await joinPlant(gateway, hub, agent)
    await hub.operate('agent.configure', { id: agent.id, configuration: withText })
    await eventually('the texts are data points', async () => {
      return (await agentStatus(gateway)).configuration.configurationId === withText.configurationId
    })
    const user = await signIn(gateway)
    await hub.stop()

    const publisher = await startApp({
      ...{ broker: gateway.addresses.mqtt, topic: 'apps/press/m', username: app.id, password: app.secret },
      ...{ perSecond: 300, payload: (n) => JSON.stringify({ n, texts: noise() }) },
    })
    cleanUp.defer(() => publisher.stop())
    await eventually('the log has been written once around', async () => {
      return (await agentStatus(gateway)).outbox.readings > 15_000
    })
    const filler = join(disk, 'filler')
    await fillUp(disk, filler)
    await eventually('an alarm says that the disk is full', async () =>
      (await agentStatus(gateway)).alarms.some(({ code }) => code === 'disk_full'),
    )
    await serves(gateway, user, app)
    const before = publisher.acknowledged.size
    await eventually('measurements are still taken', async () => publisher.acknowledged.size > before + 500)

    await rm(filler)
    await eventually('the alarm is gone', async () => (await agentStatus(gateway)).alarms.length === 0)
    hub = await startHub(hubDir, sameAddresses(hub))
    const taken = publisher.acknowledged.size
    await eventually('measurements go on', async () => publisher.acknowledged.size > taken + 500)
    await publisher.stop()
    await eventually('all is delivered', async () => (await agentStatus(gateway)).outbox.readings === 0)

    const arrived = new Set((await readings(hub, agent.id, 'n')).map(({ value }) => Number(value)))
    const lost = publisher.acknowledged.difference(arrived).size
    await eventually('the hub knows why each reading is missing', async () => {
      const { balance } = await hub.operate<{ balance: Balance[] }>('data.gaps', { agent: agent.id })
      const [line] = balance.filter(({ source }) => source === 'line')
      return line?.missing === 0 && (line.lost.quota ?? 0) >= (1 + texts) * lost
    })
  }, 240_000)

  test('starts where there is not one free block, after a stop and after a crash', async () => {
    await using dir = await tempDir()
    const disk = join(dir.path, 'disk')
    await using _mounted = await smallDisk(disk)
    const box = join(disk, 'box')
    const env = { EDGEWARD_OUTBOX_MAX_BYTES: String(64 * megabyte) }
    const first = await startGateway(box, env)
    await signIn(first)
    await first.stop()
    for (const end of ['SIGKILL', 'SIGTERM'] as const) {
      await using _full = await keepFull(disk, join(disk, 'filler'))
      const gateway = await startGateway(box, env)
      expect(await gateway.operate('session.list')).toHaveLength(1)
      await gateway.stop(end)
    }
  })
})

/** Texts that do not deflate, so that the disk fills within seconds. */
const texts = 8
const noise = () => Array.from({ length: texts }, () => randomBytes(150).toString('base64'))

const withText: DataSourceConfigurationUpdate = {
  configurationId: 'plant-2',
  dataSources: plant('press').dataSources.map((source) => ({
    ...source,
    dataPoints: [
      ...source.dataPoints.filter(({ id }) => id === 'n'),
      ...Array.from({ length: texts }, (_, k) => ({
        ...{ id: `text${k}`, name: `text ${k}`, type: 'STRING' as const, unit: '' },
        customData: { topic: 'apps/press/m', pointer: `/texts/${k}` },
      })),
    ],
  })),
}

interface Balance {
  source: string | null
  lost: Record<string, number>
  missing: number
}

async function smallDisk(at: string): Promise<AsyncDisposable> {
  await mkdir(at)
  const mounted = await runProgram('mount', ['-t', 'tmpfs', '-o', `size=${diskMegabytes}m`, 'tmpfs', at])
  expect(mounted.code, mounted.stderr).toBe(0)
  return {
    async [Symbol.asyncDispose]() {
      await runProgram('umount', [at])
    },
  }
}

/** Somebody else's file takes all the space that there is. */
async function fillUp(disk: string, filler: string): Promise<void> {
  for (let free = 1; free > 0; ) {
    const { bavail, bsize } = await statfs(disk)
    free = bavail * bsize
    await writeFile(filler, Buffer.alloc(Math.min(megabyte, free)), { flag: 'a' }).catch(() => {})
  }
}

/** Takes what the box gives up, too, until disposed. */
async function keepFull(disk: string, filler: string): Promise<AsyncDisposable> {
  await fillUp(disk, filler)
  const over = new AbortController()
  const filling = (async () => {
    while (!over.signal.aborted) {
      await fillUp(disk, filler)
      await systemClock.sleep(1)
    }
  })()
  return {
    async [Symbol.asyncDispose]() {
      over.abort()
      await filling
      await rm(filler)
    },
  }
}

async function signIn(gateway: Gateway): Promise<string> {
  const { password } = await gateway.operate<{ password: string }>('user.add', {
    name: 'ann',
    roles: ['Admin'],
  })
  const answer = await ask(new URL('/device/edge/api/v1/login/direct', gateway.addresses.auth), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'ann', password }),
  })
  return (JSON.parse(answer) as { access_token: string }).access_token
}

/** What has nothing to do with measurements must not notice. */
async function serves(gateway: Gateway, token: string, app: { id: string; secret: string }): Promise<void> {
  const { admin, auth, mqtt } = gateway.addresses
  expect(JSON.parse(await ask(new URL('/healthz', admin)))).toBeTruthy()
  const authorization = `Basic ${Buffer.from(`${app.id}:${app.secret}`).toString('base64')}`
  const told = await ask(new URL('/device/edge/auth/oauth2/introspect', auth), {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
    body: `token=${token}`,
  })
  expect(JSON.parse(told)).toMatchObject({ active: true })
  const client = await connectAsync(mqtt, { username: app.id, password: app.secret, clientId: 'echo' })
  const echo = new Promise((resolve) => client.once('message', resolve))
  await client.subscribeAsync('apps/press/echo', { qos: 1 })
  await client.publishAsync('apps/press/echo', 'x', { qos: 1 })
  await Promise.race([echo, systemClock.sleep(10_000).then(() => Promise.reject(new Error('no echo')))])
  await client.endAsync()
}
