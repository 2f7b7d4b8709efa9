import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Json, limits, management, startHub, type TestHub } from '../test-hub.ts'

let hub: TestHub
/** An onboarded agent with a configuration, and its access token. */
let id: string
let agent: string

const mindConnect = '/api/mindconnect/v3'
const at = '2026-11-21T10:00:00.000Z'

beforeAll(async () => {
  hub = await startHub({ limits: { ...limits, exchange: [{ count: 20, spanMs: 3_600_000 }] } })
})

beforeEach(async () => {
  const created = await hub.create('SHARED_SECRET')
  id = created.id
  agent = (await hub.token((await hub.register(created.boarding)).json)).json.access_token
  await configure([{ id: 'DP1', type: 'DOUBLE' }])
})

afterAll(() => hub[Symbol.asyncDispose]())

const configure = (points: object[], configurationId = 'CF-1') =>
  hub.operate('agent.configure', {
    id,
    configuration: {
      configurationId,
      dataSources: [{ name: 's', dataPoints: points.map((point) => ({ name: 'n', unit: 'C', ...point })) }],
    },
  })

const tuple = (kind: string, details: object, payload: string, type = 'application/json') =>
  [
    '--out',
    'Content-Type: multipart/related;boundary=in',
    '',
    '--in',
    'Content-Type: application/vnd.siemens.mindsphere.meta+json',
    '',
    JSON.stringify({ type: 'item', version: '1.0', payload: { type: kind, version: '1.0', details } }),
    '--in',
    `Content-Type: ${type}`,
    '',
    payload,
    '--in--',
    '',
  ].join('\r\n')

const series = (values: object[], configurationId = 'CF-1') =>
  tuple('standardTimeSeries', { configurationId }, JSON.stringify([{ timestamp: at, values }]))

const exchange = (tuples: string, { token = agent, headers = {} } = {}) =>
  hub.call('POST', `${mindConnect}/exchange`, {
    token,
    body: `${tuples}--out--`,
    headers: { 'content-type': 'multipart/mixed;boundary=out;charset=utf-8', ...headers },
  })

const get = async (path: string, token = hub.service): Promise<Json> =>
  (await hub.call('GET', path, { token })).json
const ofAgent = (path: string) => get(`${path}?filter=${encodeURIComponent(JSON.stringify({ agentId: id }))}`)
const values = async () => (await hub.operate('data.query', { agent: id })).readings.map((r: Json) => r.value)

test('one exchange carries items of every kind, in order', async () => {
  const update = {
    configurationId: 'CF-2',
    dataSources: [{ name: 's', dataPoints: [{ id: 'DP9', name: 'n', type: 'int' }] }],
  }
  const event = { id: randomUUID(), timestamp: at, severity: 1, type: 'T', version: '1.0', details: { a: 1 } }
  const answer = await exchange(
    [
      tuple('dataSourceConfiguration', {}, JSON.stringify(update)),
      series([{ dataPointId: 'DP9', value: '7', qualityCode: '00000000' }], 'CF-2'),
      tuple('businessEvent', {}, JSON.stringify([event])),
      tuple('file', { fileName: 'a/b.txt', creationDate: at }, 'content', 'application/octet-stream'),
      tuple('com.example.own', { x: 1 }, 'own', 'text/plain'),
    ].join(''),
  )
  expect(answer).toMatchObject({ status: 200, json: null })
  expect(await values()).toEqual([7])
  expect(await hub.operate('agent.configuration', { id })).toMatchObject({
    configurationId: 'CF-2',
    eTag: '2',
  })
  const { _embedded } = await get('/api/eventmanagement/v3/events')
  expect(_embedded.events).toContainEqual(expect.objectContaining(event))
  const stored = await hub.bytes(`/api/iotfile/v3/files/${id}/a/b.txt`, hub.service)
  expect(stored.toString()).toBe('content')
  expect((await get(`/api/hub/v1/agents/${id}/items`)).content).toMatchObject([
    { kind: 'com.example.own', details: { x: 1 }, contentType: 'text/plain', content: btoa('own') },
  ])
})

test('what is uploaded again takes the place of what was there', async () => {
  await exchange(series([{ dataPointId: 'DP1', value: '1' }]))
  await exchange(series([{ dataPointId: 'DP1', value: 2 }]))
  expect(await values()).toEqual([2])
})

test('a malformed exchange is refused as a whole, without a token and as a tenant too', async () => {
  const good = series([{ dataPointId: 'DP1', value: '1' }])
  for (const bad of [
    '',
    `${good}garbage`.replace('--in--', '--in'),
    good + tuple('standardTimeSeries', {}, '{"no":'),
    good + tuple('standardTimeSeries', {}, '[{}]'),
  ])
    expect((await exchange(bad)).status).toBe(400)
  expect(await values()).toEqual([])
  expect((await exchange(good, { headers: { 'content-type': 'application/json' } })).status).toBe(400)
  expect((await exchange(good, { token: hub.service })).status).toBe(401)
  expect((await exchange(good, { token: 'a.b.c' })).status).toBe(401)
  expect((await exchange(tuple('file', { fileName: 'x' }, 'x'.repeat(limits.uploadBytes)))).status).toBe(413)
})

test('an agent that uploads too often is told when to come again', async () => {
  const good = series([{ dataPointId: 'DP1', value: '1' }])
  for (let n = 0; n < 20; n++) expect((await exchange(good)).status).toBe(200)
  const refused = await exchange(good)
  expect(refused.status).toBe(429)
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(3000)
})

test('values that cannot be stored wait as a recoverable record until their cause is mended', async () => {
  const answer = await exchange(
    series([
      { dataPointId: 'DP1', value: 'warm' },
      { dataPointId: 'DP1', value: '1' },
      { dataPointId: 'DP2', value: '2' },
    ]),
    { headers: { 'correlation-id': 'c0ffee' } },
  )
  expect(answer.status).toBe(200)
  expect(await values()).toEqual([1])
  const { content } = await ofAgent(`${mindConnect}/recoverableRecords`)
  expect(content).toMatchObject([{ agentId: id, correlationId: 'c0ffee' }])
  expect(content[0].dropReason).toBe(
    'a value of the data point DP1 is no DOUBLE; the data point DP2 is not configured',
  )
  const { recoverableRecords, lastDropReason } = await hub.operate('agent.show', { id })
  expect([recoverableRecords, lastDropReason]).toEqual([1, content[0].dropReason])
  const record = `${mindConnect}/recoverableRecords/${content[0].id}`
  const link = await get(`${record}/downloadLink`)
  expect(await get(new URL(link).pathname)).toEqual({
    configurationId: 'CF-1',
    timeseries: [
      {
        timestamp: at,
        values: [
          { dataPointId: 'DP1', value: 'warm' },
          { dataPointId: 'DP2', value: '2' },
        ],
      },
    ],
  })
  await configure([
    { id: 'DP1', type: 'DOUBLE' },
    { id: 'DP2', type: 'INT' },
  ])
  expect((await hub.call('POST', `${record}/replay`, { token: hub.service })).status).toBe(200)
  expect(await values()).toEqual([1, 2])
  expect((await ofAgent(`${mindConnect}/recoverableRecords`)).content[0].dropReason).toBe(
    'a value of the data point DP1 is no DOUBLE',
  )
  const other = await hub.serviceToken(
    await hub.operate('tenant.add', { name: `t-${randomUUID().slice(0, 8)}` }),
  )
  expect((await hub.call('DELETE', record, { token: other })).status).toBe(404)
  expect((await hub.call('DELETE', record, { token: hub.service })).status).toBe(204)
  expect((await hub.call('POST', `${record}/replay`, { token: hub.service })).status).toBe(404)
})

test('an upload that waited at the agent is read with the configuration that it names', async () => {
  await configure([{ id: 'DP2', type: 'INT' }], 'CF-2')
  await exchange(series([{ dataPointId: 'DP1', value: '1' }], 'CF-1'))
  expect(await values()).toEqual([1])
  await exchange(series([{ dataPointId: 'DP1', value: '1' }], 'CF-0'))
  expect((await ofAgent(`${mindConnect}/recoverableRecords`)).content).toMatchObject([
    { dropReason: 'the data source configuration CF-0 is not known' },
  ])
})

test('diagnosis, once switched on, tells what became of each upload', async () => {
  const activations = `${mindConnect}/diagnosticActivations`
  const post = (agentId: string) => hub.call('POST', activations, { token: hub.service, body: { agentId } })
  const mixed = series([
    { dataPointId: 'DP1', value: '1' },
    { dataPointId: 'DP1', value: 'x' },
  ])
  await exchange(mixed)
  const { status, json } = await post(id)
  expect(status).toBe(201)
  expect((await post(id)).status).toBe(409)
  await exchange(mixed, { headers: { 'correlation-id': 'c1' } })
  const messages = `${activations}/${json.id}/messages`
  expect((await get(messages)).content).toMatchObject([
    {
      correlationId: 'c1',
      severity: 'INFO',
      source: 'TIMESERIES',
      state: 'ACCEPTED',
      message: '1 values stored',
    },
    { correlationId: 'c1', severity: 'ERROR', state: 'DROPPED' },
  ])
  const filter = encodeURIComponent(JSON.stringify({ severity: 'ERROR' }))
  expect((await get(`${messages}?filter=${filter}`)).totalElements).toBe(1)
  expect((await ofAgent(`${mindConnect}/diagnosticInformation`)).totalElements).toBe(2)
  const path = `${activations}/${json.id}`
  const off = { token: hub.service, body: { status: 'INACTIVE' } }
  expect((await hub.call('PUT', path, off)).json).toMatchObject({ agentId: id, status: 'INACTIVE' })
  await exchange(mixed)
  expect((await get(messages)).totalElements).toBe(2)
  for (let n = 0; n < 4; n++) expect((await post((await hub.create('RSA_3072')).id)).status).toBe(201)
  expect((await post((await hub.create('RSA_3072')).id)).json.message).toMatch(
    /at most 5 diagnostic activations/,
  )
  expect((await hub.call('DELETE', path, { token: hub.service })).status).toBe(204)
})

test('a mapping without keepMapping ends with its configuration; a kept one says what no longer fits', async () => {
  const path = `${mindConnect}/dataPointMappings`
  const mapping = {
    agentId: id,
    dataPointId: 'DP1',
    entityId: 'e'.repeat(32),
    propertySetName: 'A',
    propertyName: 'x',
  }
  const post = (change: object, query = '', token = agent) =>
    hub.call('POST', `${path}${query}`, { token, body: { ...mapping, ...change } })
  expect((await post({})).status).toBe(201)
  expect((await post({ propertyName: 'y' })).status).toBe(409)
  const kept = await post({ propertySetName: 'B', keepMapping: true })
  expect(kept.json).toMatchObject({
    dataPointType: 'DOUBLE',
    dataPointUnit: 'C',
    validity: { status: 'VALID' },
  })
  expect((await post({ dataPointId: 'DP7' })).status).toBe(400)
  expect(
    (await post({ dataPointId: 'DP7', keepMapping: true }, '?noAgentValidation=true')).json.validity,
  ).toEqual({
    status: 'INVALID',
    reasons: ['MISSING_DATAPOINT'],
  })

  await configure([{ id: 'DP1', type: 'DOUBLE' }]) // the same again is no change
  expect((await ofAgent(path)).totalElements).toBe(3)
  await configure([{ id: 'DP1', type: 'INT', unit: 'K' }])
  const { content } = await get(`${path}?size=2000`, agent)
  expect(content.map(({ dataPointId, validity }: Json) => [dataPointId, validity.reasons])).toEqual([
    ['DP1', ['INVALID_TYPE', 'INVALID_UNIT']],
    ['DP7', ['MISSING_DATAPOINT']],
  ])

  const neighbour = await hub.create('SHARED_SECRET')
  expect((await post({ agentId: neighbour.id })).status).toBe(404)
  const own = `${path}/${kept.json.id}`
  expect((await get(own, agent)).id).toBe(kept.json.id)
  expect((await hub.call('DELETE', own, { token: agent })).status).toBe(204)
  expect((await hub.call('GET', own, { token: agent })).status).toBe(404)
})

test('event mappings are changed by who has seen the version in force, five of a type', async () => {
  const path = `${mindConnect}/eventMappings`
  const body = { agentId: id, assetId: 'a', eventTypeId: 't', eventTypeName: 'T' }
  const post = () => hub.call('POST', path, { token: hub.service, body })
  const made = await post()
  expect(made).toMatchObject({ status: 201, json: { ...body, eTag: '0' } })
  const patch = (eTag: string) =>
    hub.call('PATCH', `${path}/${made.json.id}`, {
      token: hub.service,
      body: { eventTypeId: 'u' },
      headers: { 'if-match': eTag },
    })
  expect((await patch('0')).json).toMatchObject({ eventTypeId: 'u', assetId: 'a', eTag: '1' })
  const stale = await patch('0')
  expect(stale).toMatchObject({
    status: 412,
    json: { errors: [{ code: 'mdsp.conn.mindconnect.precondition_failed' }] },
  })
  for (let n = 0; n < 5; n++) expect((await post()).status).toBe(201)
  expect((await post()).status).toBe(409)
  expect((await patch('1')).status).toBe(200)
  const headers = { 'if-match': '2' }
  const remove = () => hub.call('DELETE', `${path}/${made.json.id}`, { token: hub.service, headers })
  expect([(await remove()).status, (await remove()).status]).toEqual([204, 404])
  expect((await ofAgent(path)).totalElements).toBe(5)
})

test('a file in parts is whole only when complete, and never larger than allowed', async () => {
  const path = `/api/iotfile/v3/files/${id}/log.bin`
  const headers = { 'content-type': 'application/octet-stream' }
  const put = (query: string, body: string, more = {}) =>
    hub.call('PUT', `${path}${query}`, { token: agent, body, headers: { ...headers, ...more } })
  await put('?upload=start', '')
  await put('?part=2', 'b')
  await put('?part=1', 'a')
  expect((await hub.call('GET', path, { token: hub.service })).status).toBe(404)
  expect((await put('?upload=complete', 'c')).headers.etag).toBe('0')
  expect((await hub.bytes(path, agent)).toString()).toBe('abc')

  expect((await put('', 'x', { 'if-match': '7' })).status).toBe(412)
  expect((await put('', 'x', { 'if-match': '0' })).headers.etag).toBe('1')
  const half = 'h'.repeat(limits.fileBytes / 2 + 1)
  expect((await put('?part=1', half)).status).toBe(200)
  expect((await put('?part=2', half)).status).toBe(413)
  await put('?upload=abort', '')
  expect((await hub.bytes(path, agent)).toString()).toBe('x')

  const neighbour = await hub.create('SHARED_SECRET')
  const { json } = await hub.token((await hub.register(neighbour.boarding)).json)
  const theirs = { token: json.access_token, body: 'y', headers }
  expect((await hub.call('PUT', path, theirs)).status).toBe(409)
  expect((await hub.call('GET', path, { token: json.access_token })).status).toBe(404)
})

test('all that an agent has sent goes when it is removed', async () => {
  await exchange(series([{ dataPointId: 'DP2', value: '1' }]) + tuple('file', { fileName: 'f' }, 'x'))
  await hub.operate('agent.remove', { id })
  expect((await ofAgent(`${mindConnect}/recoverableRecords`)).totalElements).toBe(0)
  const file = `/api/iotfile/v3/files/${id}/f`
  expect((await hub.call('GET', file, { token: hub.service })).status).toBe(404)
})

test('the token key need not be sent to who has it', async () => {
  const path = `${management}/oauth/token_key`
  const { headers } = await hub.call('GET', path)
  const again = await hub.call('GET', path, { headers: { 'if-none-match': String(headers.etag) } })
  expect(again).toMatchObject({ status: 304, json: null })
})
