import { randomBytes } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { MindConnectAgent } from '@mindconnect/mindconnect-nodejs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { securityProfiles } from '../../protocol/boarding.ts'
import { createAgent, readings } from '../harness.ts'
import { type ClientHub, pkcs1Key, startClientHub } from './hub.ts'

let hub: ClientHub
let rotating: ClientHub

beforeAll(async () => {
  hub = await startClientHub()
  // The library rotates at every call in the last 25 hours of a credential.
  rotating = await startClientHub({ EDGEWARD_HUB_CREDENTIAL_LIFETIME: '24h' })
})

afterAll(async () => {
  await hub[Symbol.asyncDispose]()
  await rotating[Symbol.asyncDispose]()
})

const configuration = {
  configurationId: 'CF-1',
  dataSources: [
    {
      name: 'pump',
      dataPoints: [
        { id: 'DP1', name: 'temperature', type: 'DOUBLE', unit: 'C', description: '', customData: {} },
        { id: 'DP2', name: 'strokes', type: 'INT', unit: '', description: '', customData: {} },
        { id: 'DP3', name: 'state', type: 'STRING', unit: '', description: '', customData: {} },
      ],
    },
  ],
}

async function onboard(at: ClientHub, profile: (typeof securityProfiles)[number]) {
  const { id, boarding } = await createAgent(at.hub, `${profile} ${randomBytes(4).toString('hex')}`, profile)
  // biome-ignore lint/suspicious/noExplicitAny: the library's types name enums for what is text
  const agent: any = new MindConnectAgent(boarding as any, undefined, await mkdtemp(join(at.dir, 'agent-')))
  if (profile === 'RSA_3072') agent.SetupAgentCertificate(pkcs1Key())
  await agent.OnBoard()
  return { id, agent }
}

test.each(securityProfiles)('an agent of the profile %s does all that the library can', async (profile) => {
  const { id, agent } = await onboard(hub, profile)
  expect(await agent.GetDataSourceConfiguration()).toMatchObject({ eTag: '0', dataSources: [] })
  expect(await agent.PutDataSourceConfiguration(configuration)).toMatchObject({ eTag: '1' })
  expect(await agent.GetDataSourceConfiguration()).toMatchObject({ configurationId: 'CF-1' })

  const mapping = {
    agentId: id,
    dataPointId: 'DP1',
    entityId: 'a'.repeat(32),
    propertySetName: 'Environment',
    propertyName: 'Temperature',
    keepMapping: true,
  }
  await agent.PutDataMappings([mapping])
  await agent.PutDataMappings([mapping]) // the library takes 409 for done
  expect(await agent.GetDataMappings()).toMatchObject([{ ...mapping, validity: { status: 'VALID' } }])

  const value = (dataPointId: string, value: string) => ({ dataPointId, qualityCode: '0', value })
  const [first, second] = ['2026-11-21T10:00:00.000Z', '2026-11-21T10:00:01.000Z'] as const
  await agent.PostData([value('DP1', '21.5'), value('DP2', '-3'), value('DP3', 'on')], new Date(first))
  await agent.BulkPostData([
    { timestamp: first, values: [value('DP1', '22.5')] },
    { timestamp: second, values: [{ ...value('DP1', '23'), qualityCode: '80000000' }] },
  ])
  expect(await readings(hub.hub, id)).toEqual([
    { pointId: 'DP1', time: first, value: 22.5, quality: 0 },
    { pointId: 'DP2', time: first, value: -3, quality: 0 },
    { pointId: 'DP3', time: first, value: 'on', quality: 0 },
    { pointId: 'DP1', time: second, value: 23, quality: 0x80000000 },
  ])

  const event = { entityId: id, sourceType: 'Agent', sourceId: 'press', source: 'press', severity: 20 }
  await agent.PostEvent({ ...event, description: `of ${profile}`, timestamp: first })
  const { _embedded } = await hub.get<{ _embedded: { events: object[] } }>(
    `/api/eventmanagement/v3/events?filter=${encodeURIComponent(JSON.stringify({ entityId: id }))}`,
  )
  expect(_embedded.events).toMatchObject([{ ...event, description: `of ${profile}` }])

  await agent.DeleteAllMappings()
  expect(await agent.GetDataMappings()).toEqual([])
})

test.each([
  ['in one piece', 1_000],
  ['in parts', 20_000_000],
])('a file that the library uploads %s arrives byte for byte, also when replaced', async (_how, size) => {
  const { id, agent } = await onboard(hub, 'SHARED_SECRET')
  for (const _version of [1, 2]) {
    const content = randomBytes(size)
    await agent.Upload(
      content,
      'application/octet-stream',
      'noise',
      true,
      id,
      undefined,
      undefined,
      'logs/noise.bin',
    )
    const answer = await fetch(`${hub.base}/api/iotfile/v3/files/${id}/logs/noise.bin`, {
      headers: { authorization: `Bearer ${await hub.token()}` },
    })
    expect(Buffer.from(await answer.arrayBuffer()).equals(content)).toBe(true)
  }
})

test.each(securityProfiles)('an agent of the profile %s is made to rotate and goes on', async (profile) => {
  const { id, agent } = await onboard(rotating, profile)
  const numberOf = async () =>
    (await rotating.hub.operate<{ credential: { number: number } }>('agent.show', { id })).credential.number
  const before = await numberOf()
  await agent.PutDataSourceConfiguration(configuration)
  await agent.PostData([{ dataPointId: 'DP1', qualityCode: '0', value: '1' }])
  expect(await numberOf()).toBeGreaterThan(before)
  expect(await readings(rotating.hub, id)).toMatchObject([{ pointId: 'DP1', value: 1 }])
})
