import { globSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import { expect, test } from 'vitest'
import { openCerts } from '../certs/index.ts'
import { systemClock } from '../core/clock.ts'
import { createLog } from '../core/log.ts'
import { systemRandom } from '../core/random.ts'
import {
  agentStatus,
  type CreatedAgent,
  createAgent,
  eventually,
  type Gateway,
  type Hub,
  joinPlant,
  readings,
  sameAddresses,
  startGateway,
  startHub,
  type TempDir,
  tempDir,
} from './harness.ts'
import { describeWith } from './peers.ts'

const second = 1000
const day = 86_400 * second

/** A hub with a certificate of its own authority, valid now. */
async function startTlsHub(dir: TempDir, env: Record<string, string> = {}): Promise<Hub> {
  const pki = join(dir.path, 'hub-pki')
  const deps = { clock: systemClock, random: systemRandom, log: createLog('silent') }
  const certs = await openCerts(deps, { dir: pki, names: ['localhost', '127.0.0.1'], deviceName: 'hub' })
  const files = { cert: join(pki, 'hub.pem'), key: join(pki, 'hub.key'), ca: join(pki, 'ca.pem') }
  await writeFile(files.cert, certs.server.cert)
  await writeFile(files.key, certs.server.key, { mode: 0o600 })
  await writeFile(files.ca, certs.ca)
  return startHub(join(dir.path, 'hub'), {
    EDGEWARD_HUB_TLS_CERT: files.cert,
    EDGEWARD_HUB_TLS_KEY: files.key,
    EDGEWARD_HUB_TLS_CA: files.ca,
    ...env,
  })
}

/** Debian keeps it in a folder of the architecture. */
function faketimeLibrary(): string {
  const found = globSync('/usr/lib{,/*}/faketime/libfaketime.so.1')[0]
  if (found === undefined) throw new Error('no libfaketime.so.1 under /usr/lib')
  return found
}

/** The clock of a process: `@2039-01-01 00:00:00` when it starts, `+1d`, `-5d`, `+0`; set while it runs. */
async function fakeClock(dir: TempDir, clock: string) {
  const file = join(dir.path, 'clock')
  const set = (to: string) => writeFile(file, `${to}\n`)
  await set(clock)
  const env = {
    LD_PRELOAD: faketimeLibrary(),
    DONT_FAKE_MONOTONIC: '1',
    FAKETIME_NO_CACHE: '1',
    FAKETIME_TIMESTAMP_FILE: file,
  }
  const start = () => startGateway(join(dir.path, 'box'), { ...env, EDGEWARD_AGENT_TRUST_NTP: 'false' }) // of this machine
  return { set, env, start }
}

/** Publishes values for as long as it is told, and knows when each was taken. */
async function publisher(gateway: Gateway, app: { id: string; secret: string }) {
  const client = await connectAsync(gateway.addresses.mqtt, {
    ...{ username: app.id, password: app.secret, clientId: 'test', reconnectPeriod: 0 },
  })
  return {
    async publish(...values: number[]): Promise<Map<number, number>> {
      const taken = new Map<number, number>()
      const sent = values.map(async (n) => {
        await client.publishAsync('apps/press/m', JSON.stringify({ n, x: n }), { qos: 1 })
        taken.set(n, systemClock.now())
      })
      await Promise.all(sent)
      return taken
    },
    [Symbol.asyncDispose]: () => client.endAsync(),
  }
}

async function expectRightTimes(hub: Hub, agent: CreatedAgent, taken: Map<number, number>) {
  await eventually(
    'all readings at the hub',
    async () => (await readings(hub, agent.id, 'n')).length >= taken.size,
  )
  const stored = await readings(hub, agent.id, 'n')
  expect(stored.map(({ value }) => value).sort()).toEqual([...taken.keys()].sort())
  for (const { value, time } of stored)
    expect(Math.abs(Date.parse(time) - (taken.get(Number(value)) ?? 0)), `${value} at ${time}`).toBeLessThan(
      5 * second,
    )
  return stored
}

describeWith(['faketime'], 'the clock of the box', () => {
  test.concurrent.each(['@1970-01-02 00:00:00', '@2039-01-01 00:00:00'])(
    'a box that starts at %s takes itself in over TLS, and its readings carry the true time',
    async (clock) => {
      await using dir = await tempDir()
      await using hub = await startTlsHub(dir)
      await hub.operate('init')
      const agent = await createAgent(hub, 'box')
      const { start } = await fakeClock(dir, clock)
      await using gateway = await start()
      const before = await agentStatus(gateway)
      expect(before.time).toMatchObject({ state: 'untrusted' })

      await using app = await publisher(gateway, await joinPlant(gateway, hub, agent))
      const stored = await expectRightTimes(hub, agent, await app.publish(1, 2, 3))
      expect(stored.every(({ quality }) => quality === 0)).toBe(true)
      const { time, identity } = await agentStatus(gateway)
      expect(time).toMatchObject({ state: 'trusted', source: 'hub' })
      expect(Math.abs(time.offsetMs)).toBeGreaterThan(365 * day) // the clock is still what it was
      expect(Math.abs(time.since - systemClock.now())).toBeLessThan(120 * second)
      expect(identity.rotateAt).toBeLessThan(systemClock.now() + 7 * day)
    },
  )

  test('what is taken before the time is known, in a start without the hub, is corrected before it is sent', async () => {
    await using dir = await tempDir()
    let hub = await startTlsHub(dir)
    await hub.operate('init')
    const agent = await createAgent(hub, 'box', 'SHARED_SECRET')
    const { start, set: setClock } = await fakeClock(dir, '+0')
    const secret = await (async () => {
      await using gateway = await start()
      return await joinPlant(gateway, hub, agent)
    })()
    await hub.stop()

    await setClock('@1999-12-31 23:59:50')
    const taken = new Map<number, number>()
    {
      await using gateway = await start()
      await using app = await publisher(gateway, secret)
      for (const [n, at] of await app.publish(1, 2)) taken.set(n, at)
    }
    await setClock('-3d')
    await using gateway = await start()
    await using app = await publisher(gateway, secret)
    for (const [n, at] of await app.publish(3, 4)) taken.set(n, at)
    expect((await agentStatus(gateway)).time.state).toBe('untrusted')

    hub = await startTlsHub(dir, sameAddresses(hub))
    await using _hub = hub
    const stored = await expectRightTimes(hub, agent, taken)
    expect(stored.every(({ quality }) => quality === 0)).toBe(true)
  })

  test.concurrent.each(['+1d', '-1d'])(
    'a step of the clock by %s while it runs changes nothing',
    async (step) => {
      await using dir = await tempDir()
      const hub = await startTlsHub(dir, { EDGEWARD_HUB_TOKEN_LIFETIME: '5s' })
      await using _hub = hub
      await hub.operate('init')
      const agent = await createAgent(hub, 'box')
      const { start, set: setClock } = await fakeClock(dir, '+0')
      await using gateway = await start()
      await using app = await publisher(gateway, await joinPlant(gateway, hub, agent))
      const taken = await app.publish(1, 2)
      await setClock(step)
      for (const [n, at] of await app.publish(3, 4)) taken.set(n, at)
      const token = await gateway.operate<{ access_token: string }>('identity.token')
      await eventually('a token asked for after the step', async () => {
        const { access_token } = await gateway.operate<{ access_token: string }>('identity.token')
        return access_token !== token.access_token
      })
      for (const [n, at] of await app.publish(5, 6)) taken.set(n, at)
      await expectRightTimes(hub, agent, taken)
      await gateway.operate('identity.rotate')
      const { time } = await agentStatus(gateway)
      expect(time.state).toBe('trusted')
      expect(Math.round(Math.abs(time.offsetMs) / day)).toBe(1)
    },
  )

  test('after six weeks without power and hub, with a clock that stood still, the box recovers by itself', async () => {
    await using dir = await tempDir()
    await using hubDir = await tempDir()
    const { start } = await fakeClock(dir, '+0')
    let hub = await startTlsHub(dir)
    await hub.operate('init')
    const agent = await createAgent(hub, 'box')
    const secret = await (async () => {
      await using gateway = await start()
      return await joinPlant(gateway, hub, agent)
    })()
    await hub.stop()

    await using gateway = await start()
    await using app = await publisher(gateway, secret)
    const taken = await app.publish(1, 2)
    const hubClock = await fakeClock(hubDir, '+42d')
    hub = await startTlsHub(dir, { ...sameAddresses(hub), ...hubClock.env })
    await using _hub = hub
    for (const [n, at] of await app.publish(3)) taken.set(n, at)
    const sixWeeksLater = new Map([...taken].map(([n, at]) => [n, at + 42 * day]))
    const stored = await expectRightTimes(hub, agent, sixWeeksLater)
    expect(stored.every(({ quality }) => quality === 0)).toBe(true)
    const { identity } = await agentStatus(gateway)
    expect(identity.state).toBe('onboarded')
    expect(identity.credentialExpiresAt).toBeGreaterThan(systemClock.now() + 42 * day)
  })
})
