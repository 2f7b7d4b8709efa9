import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { run } from '../../core/control.ts'
import { type Http, openNetwork, Unreachable } from '../../core/net/index.ts'
import { systemRandom } from '../../core/random.ts'
import { type HubInProcess, hubInProcess, nothingToArchive, silent } from '../../test/hub-in-process.ts'
import { openIdentity } from '../identity.ts'
import { createSources } from '../sources/index.ts'
import { type Configuration, type History, openConfiguration } from './index.ts'

const network = openNetwork().http
const noNetwork: Http = async () => {
  throw new Unreachable('the hub', 'connect', 'no network')
}

let hub: HubInProcess
let stateDir: string
let serial = 0
beforeAll(async () => {
  hub = await hubInProcess()
})
afterAll(() => hub[Symbol.asyncDispose]())
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'edgeward-configuration-'))
  return () => rm(stateDir, { recursive: true })
})

const localDir = () => join(stateDir, 'sources.d')
/** What is in force on disk. */
async function kept(): Promise<string> {
  const dir = join(stateDir, 'configuration')
  const { active } = JSON.parse(await readFile(join(dir, 'history.json'), 'utf8'))
  return readFile(join(dir, 'versions', `${active}.json`), 'utf8')
}

/** A box on `stateDir` with real sources, onboarded unless it was before. */
async function startBox(http: Http, { confirmTimeoutMs = 60_000 } = {}) {
  const deps = { http, clock: systemClock, random: systemRandom, log: silent }
  const retry = { initialMs: 5, maxMs: 20 }
  const identity = await openIdentity(
    { ...deps, archive: nothingToArchive },
    { dir: join(stateDir, 'identity'), retry },
  )
  const sources = createSources(
    {
      ...{ ...deps, network: openNetwork() },
      ...{ outbox: { append: async () => {}, lose: () => {} }, stamp: () => ({ time: 0 }) },
      alarms: { raise() {}, clear() {} },
    },
    { minIntervalMs: 100 },
  )
  const link = { isUp: true }
  const noted: string[] = []
  const configuration = await openConfiguration(
    { ...deps, identity, sources, isLinked: () => link.isUp, note: (event) => noted.push(event) },
    { dir: join(stateDir, 'configuration'), retry, localDir: localDir(), confirmTimeoutMs },
  )
  const stop = new AbortController()
  const running = Promise.all([configuration.run(stop.signal), sources.run(stop.signal)])
  return {
    identity,
    ...{ sources, configuration, link, noted },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
      await identity[Symbol.asyncDispose]()
    },
  }
}

const measuring = (configurationId: string, protocol = 'system') => ({
  configurationId,
  dataSources: [
    {
      name: 'box',
      customData: { protocol, interval: '1s' },
      dataPoints: [
        { id: 'mem', name: 'memory', type: 'DOUBLE', unit: '', customData: { metric: 'memory.used' } },
      ],
    },
  ],
})
const newAgent = () => hub.createAgent(`configured-${++serial}`, 'SHARED_SECRET')
const configure = (id: string, configuration: unknown) =>
  hub.ask<{ eTag: string }>('agent.configure', { id, configuration })

test('what is configured at the hub is put in force at onboarding, and again when it is announced', async () => {
  const { id, boarding } = await newAgent()
  await configure(id, measuring('first'))
  await using box = await startBox(network)
  expect(box.configuration.status()).toEqual({ dataSources: 0, dataPoints: 0 })
  await run(box.identity.operations, 'identity.onboard', { boarding })
  await expect
    .poll(() => box.configuration.status())
    .toMatchObject({ configurationId: 'first', dataPoints: 1 })

  const { eTag } = await configure(id, measuring('second'))
  box.configuration.announced(eTag)
  await expect.poll(() => box.configuration.status()).toMatchObject({ configurationId: 'second', eTag })
  expect(box.sources.status()).toMatchObject([{ name: 'box', protocol: 'system' }])
})

test('a start without network measures what was configured last', async () => {
  const { id, boarding } = await newAgent()
  await configure(id, measuring('kept'))
  {
    await using box = await startBox(network)
    await run(box.identity.operations, 'identity.onboard', { boarding })
    await expect.poll(() => kept().catch(() => '')).toContain('kept')
  }
  await using box = await startBox(noNetwork)
  expect(box.configuration.status()).toMatchObject({ configurationId: 'kept' })
  expect(box.sources.status()).toMatchObject([{ name: 'box' }])
  await expect.poll(() => box.configuration.status().reason).toContain('no network')
})

test('a faulty configuration is refused with its faults; the one before stays, here and on disk', async () => {
  const { id, boarding } = await newAgent()
  await configure(id, measuring('good'))
  await using box = await startBox(network)
  await run(box.identity.operations, 'identity.onboard', { boarding })
  await expect.poll(() => kept().catch(() => '')).toContain('good')
  const before = await kept()

  box.configuration.announced((await configure(id, measuring('bad', 'telepathy'))).eTag)
  await expect.poll(() => box.configuration.status().faults).toEqual([expect.stringContaining('telepathy')])
  expect(box.configuration.status()).toMatchObject({ configurationId: 'good' })
  expect(box.sources.status()).toMatchObject([{ name: 'box', protocol: 'system' }])
  expect(await kept()).toBe(before)

  box.configuration.announced((await configure(id, measuring('mended'))).eTag)
  await expect.poll(() => box.configuration.status()).toMatchObject({ configurationId: 'mended' })
  expect(box.configuration.status().faults).toBeUndefined()
})

test('a kept configuration that is damaged is replaced by that of the hub', async () => {
  const { id, boarding } = await newAgent()
  await configure(id, measuring('whole'))
  {
    await using box = await startBox(noNetwork) // makes the directory
    expect(box.configuration.status().eTag).toBeUndefined()
  }
  await writeFile(join(stateDir, 'configuration', 'history.json'), '{"id":')
  await using box = await startBox(network)
  await run(box.identity.operations, 'identity.onboard', { boarding })
  await expect.poll(() => kept().catch(() => '')).toContain('whole')
})

test('what a release before kept in one file is measured at once', async () => {
  await mkdir(join(stateDir, 'configuration'), { recursive: true })
  const former = { id: 'a', eTag: '7', ...measuring('former') }
  await writeFile(join(stateDir, 'configuration', 'dsc.json'), JSON.stringify(former))
  await using box = await startBox(noNetwork)
  expect(box.configuration.status()).toMatchObject({ configurationId: 'former', eTag: '7', version: 1 })
  expect(box.sources.status()).toMatchObject([{ name: 'box' }])
})

test('an access token that the hub does not take is replaced by another', async () => {
  const { id, boarding } = await newAgent()
  await configure(id, measuring('reached'))
  let bad = true
  const http: Http = (request) => {
    if (request.method !== 'GET' || !bad) return network(request)
    bad = false
    return network({ ...request, headers: { authorization: 'Bearer stale' } })
  }
  await using box = await startBox(http)
  await run(box.identity.operations, 'identity.onboard', { boarding })
  await expect.poll(() => box.configuration.status()).toMatchObject({ configurationId: 'reached' })
})

/** A device that is not there, beside what the box measures of itself. */
const withDeadDevice = (configurationId: string) => ({
  configurationId,
  dataSources: [
    ...measuring(configurationId).dataSources,
    {
      name: 'press',
      customData: { protocol: 'modbus', address: '127.0.0.1:1', interval: '1s' },
      dataPoints: [
        {
          ...{ id: 'oil', name: 'oil', type: 'INT' },
          customData: { table: 'holding', address: 0, type: 'int16' },
        },
      ],
    },
  ],
})
const faster = (configurationId: string) => {
  const [box] = measuring(configurationId).dataSources
  return { configurationId, dataSources: [{ ...box, customData: { protocol: 'system', interval: '500ms' } }] }
}
const history = async ({ configuration }: { configuration: Configuration }) =>
  (await run(configuration.operations, 'config.history', {})) as History

async function onboarded(configuration: object, options: { confirmTimeoutMs?: number } = {}) {
  const { id, boarding } = await newAgent()
  await configure(id, configuration)
  const box = await startBox(network, options)
  await run(box.identity.operations, 'identity.onboard', { boarding })
  await expect.poll(() => box.configuration.status().version).toBe(1)
  return { id, box }
}

test('a configuration whose sources do not read reverts by itself and says why; one that reads stays', async () => {
  const { id, box: opened } = await onboarded(measuring('first'), { confirmTimeoutMs: 600 })
  await using box = opened
  const changes: string[] = []
  box.configuration.onChange(() => changes.push(box.configuration.report().state))
  const bad = await configure(id, withDeadDevice('bad'))
  box.configuration.announced(bad.eTag)
  await expect
    .poll(() => box.configuration.report())
    .toEqual({
      ...{ state: 'reverted', eTag: '1', configurationId: 'first', origin: 'hub', tried: '2' },
      reason: 'it did not read within 1 s; the one before goes on',
      faults: [{ source: 'press', fault: expect.stringMatching(/ECONNREFUSED.*check the port/) }],
    })
  expect(box.sources.status()).toMatchObject([{ name: 'box', state: 'good' }])
  expect(changes).toEqual(['trial', 'reverted'])

  box.configuration.announced(bad.eTag) // told again, it is not tried again
  const good = await configure(id, faster('good'))
  box.configuration.announced(good.eTag)
  await expect
    .poll(() => box.configuration.report())
    .toEqual({
      ...{ state: 'active', eTag: '3', configurationId: 'good' },
    })
  expect(await history(box)).toMatchObject({
    active: 3,
    versions: [
      { number: 3, state: 'active', origin: 'hub' },
      { number: 2, state: 'reverted', configurationId: 'bad' },
      { number: 1, state: 'replaced' },
    ],
  })
  expect(box.noted).toEqual(['configuration_applied', 'configuration_reverted', 'configuration_applied'])

  await run(box.configuration.operations, 'config.revert', {})
  expect(box.configuration.status()).toMatchObject({ configurationId: 'first', version: 4 })
  await expect(run(box.configuration.operations, 'config.revert', { number: 2 })).resolves.toMatchObject({
    ...{ state: 'reverted', of: 2, number: 5 },
  })
  await expect(run(box.configuration.operations, 'config.revert', { number: 4 })).rejects.toMatchObject({
    code: 'conflict',
  })
})

test('a configuration under which the link to the hub is lost reverts', async () => {
  const { id, box: opened } = await onboarded(measuring('linked'), { confirmTimeoutMs: 800 })
  await using box = opened
  const { sources } = box
  const { dataSources } = withDeadDevice('x') // keeps the trial open until the link is lost
  box.configuration.announced((await configure(id, { configurationId: 'x', dataSources })).eTag)
  await expect.poll(() => box.configuration.report().state).toBe('trial')
  box.link.isUp = false
  await expect
    .poll(() => box.configuration.report().faults)
    .toContainEqual({
      fault: 'the link to the hub was lost and did not come back',
    })
  expect(sources.status()).toMatchObject([{ name: 'box' }])
})

test('a trial that a stop of the box interrupts is begun once more, and not a third time', async () => {
  const { id, box } = await onboarded(measuring('before'))
  box.configuration.announced((await configure(id, withDeadDevice('cut'))).eTag)
  await expect.poll(() => box.configuration.report().state).toBe('trial')
  await box[Symbol.asyncDispose]()
  {
    await using again = await startBox(noNetwork)
    expect(again.configuration.status()).toMatchObject({ configurationId: 'before', version: 1 })
    const trial = () => run(again.configuration.operations, 'config.trial', {})
    await expect.poll(trial).toMatchObject({
      trial: { version: { number: 2 }, sources: [{ name: 'press', points: [{ reads: false }] }] },
    })
  }
  await using last = await startBox(noNetwork)
  await expect
    .poll(() => last.configuration.report())
    .toMatchObject({
      ...{ state: 'reverted', tried: '2', reason: expect.stringContaining('stopped twice') },
    })
  expect(last.configuration.status()).toMatchObject({ configurationId: 'before' })
})

const localBox = (point: string, interval = '1s') => `[[dataSources]]
name = "box"
customData = { protocol = "system", interval = "${interval}" }
[[dataSources.dataPoints]]
id = "${point}"
name = "load"
type = "DOUBLE"
customData = { metric = "load.1" }
`

test('local files are measured without a hub, followed as they change, and win over the hub', async () => {
  await mkdir(localDir())
  const file = join(localDir(), 'box.toml')
  await writeFile(file, localBox('local'))
  const { id, boarding } = await newAgent()
  await using box = await startBox(network)
  await expect.poll(() => box.configuration.status()).toMatchObject({ dataSources: 1, files: [file] })

  await configure(id, measuring('hub')) // has a source of the same name
  await run(box.identity.operations, 'identity.onboard', { boarding })
  await expect
    .poll(() => box.configuration.status())
    .toMatchObject({
      ...{ configurationId: 'hub', overridden: ['box'], dataSources: 1, dataPoints: 1 },
    })
  const listed = await run(box.sources.operations, 'agent.sources', {})
  expect(listed).toMatchObject([{ name: 'box', origin: 'local' }])

  await writeFile(file, localBox('local', '1ms'))
  box.configuration.reload()
  await expect
    .poll(() => box.configuration.status().faults)
    .toEqual([
      `${file}:3: dataSources[0].customData.interval: "1ms" is shorter than sources.min_interval, 100 ms`,
    ])
  expect(box.sources.status()).toMatchObject([{ state: 'good' }])

  await writeFile(file, localBox('mem')) // an id that the hub's source would have, were it not overridden
  await expect.poll(() => box.configuration.status(), { timeout: 5_000 }).not.toHaveProperty('faults')
  await rm(file)
  box.configuration.reload()
  await expect.poll(() => box.configuration.status(), { timeout: 5_000 }).not.toHaveProperty('overridden')
  await expect.poll(() => run(box.sources.operations, 'agent.sources', {})).toMatchObject([{ origin: 'hub' }])
})
