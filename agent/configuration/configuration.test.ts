import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
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
import { openConfiguration } from './index.ts'

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

const keptFile = () => join(stateDir, 'configuration', 'dsc.json')

/** A box on `stateDir` with real sources, onboarded unless it was before. */
async function startBox(http: Http) {
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
    },
    { minIntervalMs: 100 },
  )
  const configuration = await openConfiguration(
    { ...deps, identity, apply: sources.apply },
    { dir: join(stateDir, 'configuration'), retry },
  )
  const stop = new AbortController()
  const running = configuration.run(stop.signal)
  return {
    identity,
    sources,
    configuration,
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
    await expect.poll(() => readFile(keptFile(), 'utf8').catch(() => '')).toContain('kept')
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
  await expect.poll(() => readFile(keptFile(), 'utf8').catch(() => '')).toContain('good')
  const before = await readFile(keptFile(), 'utf8')

  box.configuration.announced((await configure(id, measuring('bad', 'telepathy'))).eTag)
  await expect.poll(() => box.configuration.status().faults).toEqual([expect.stringContaining('telepathy')])
  expect(box.configuration.status()).toMatchObject({ configurationId: 'good' })
  expect(box.sources.status()).toMatchObject([{ name: 'box', protocol: 'system' }])
  expect(await readFile(keptFile(), 'utf8')).toBe(before)

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
  await writeFile(keptFile(), '{"id":')
  await using box = await startBox(network)
  await run(box.identity.operations, 'identity.onboard', { boarding })
  await expect.poll(() => readFile(keptFile(), 'utf8')).toContain('whole')
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
