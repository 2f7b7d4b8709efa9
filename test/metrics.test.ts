import mqtt from 'mqtt'
import { beforeAll, expect, test } from 'vitest'
import { openNetwork } from '../core/net/index.ts'
import {
  agentStatus,
  createAgent,
  eventually,
  type Gateway,
  type Hub,
  joinPlant,
  startGateway,
  startHub,
  tempDir,
} from './harness.ts'
import { describeWith } from './peers.ts'
import {
  figureOf,
  histogramsIn,
  metricNames,
  namesIn,
  promtool,
  readText,
  scrape,
  seriesOf,
} from './scraping.ts'

const { http } = openNetwork()
const introspect = '/device/edge/auth/oauth2/introspect'
const password = 'correct horse battery'

let hub: Hub
let gateway: Gateway
let app: { id: string; secret: string }

beforeAll(async () => {
  await using opening = new AsyncDisposableStack()
  const dir = opening.use(await tempDir())
  hub = opening.use(await startHub(`${dir.path}/hub`))
  await hub.operate('init')
  const agent = await createAgent(hub, 'box', 'SHARED_SECRET')
  gateway = opening.use(await startGateway(`${dir.path}/box`))
  app = await joinPlant(gateway, hub, agent)
  await gateway.operate('user.add', { name: 'ann', roles: ['Viewer'], password })
  await gateway.operate('identity.rotate')
  await useAll()
  const held = opening.move()
  return () => held.disposeAsync()
})

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  http({
    method: 'POST',
    url: `${gateway.addresses.auth}${path}`,
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

const login = (username: string, secret: string) =>
  post('/device/edge/api/v1/login/direct', { username, password: secret })

const basic = () => `Basic ${Buffer.from(`${app.id}:${app.secret}`).toString('base64')}`

const ask = (token: string, authorization = basic()) =>
  post(introspect, new URLSearchParams({ token }).toString(), {
    ...{ authorization, 'content-type': 'application/x-www-form-urlencoded' },
  })

async function connect(username: string, secret: string) {
  const client = await mqtt.connectAsync(gateway.addresses.mqtt, {
    ...{ username, password: secret, reconnectPeriod: 0 },
  })
  client.on('error', () => {})
  return client
}

/** The broker closes the connection of who publishes what is not theirs. */
async function denied(client: mqtt.MqttClient, topic: string): Promise<void> {
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
  client.publish(topic, '{}', { qos: 1 }, () => {})
  await closed
  await client.endAsync(true)
}

/** Data, sign-ins right and wrong, introspections of each outcome, and messages that are denied. */
async function useAll(): Promise<void> {
  const granted = JSON.parse((await login('ann', password)).body.toString()) as { access_token: string }
  await login('ann', 'wrong')
  await ask(granted.access_token)
  await ask('rubbish')
  await ask('rubbish', 'Basic eDp5')
  const client = await connect(app.id, app.secret)
  await client.publishAsync('apps/press/m', '{"n":1,"x":0.5}', { qos: 1 })
  await denied(client, 'apps/oven/m')
  await eventually('acknowledged', async () => {
    const { outbox } = await agentStatus(gateway)
    return outbox.takenIn > 0 && outbox.readings === 0
  })
}

const boxMetrics = () => scrape(gateway.addresses.admin)
const hubMetrics = () => scrape(hub.addresses.http)

describeWith(['promtool'], 'Prometheus', () => {
  test('has nothing to object to in what gateway and hub tell', async () => {
    for (const exposition of [await boxMetrics(), await hubMetrics()]) {
      const { code, stdout, stderr } = await promtool(['check', 'metrics'], exposition)
      expect({ code, told: stdout + stderr }).toEqual({ code: 0, told: '' })
    }
  })

  test('takes the alert rules, which say what they are tested to say', async () => {
    const dir = new URL('../packaging/prometheus/', import.meta.url).pathname
    expect(await promtool(['check', 'rules', `${dir}alerts.yml`])).toMatchObject({ code: 0, stderr: '' })
    const tested = await promtool(['test', 'rules', `${dir}alerts.test.yml`])
    expect(tested, tested.stdout + tested.stderr).toMatchObject({ code: 0 })
  })
})

test('what was done is counted', async () => {
  const box = await boxMetrics()
  const told = (series: string) => figureOf(box, series)
  expect(told('edgeward_logins_total{outcome="succeeded"}')).toBe(1)
  expect(told('edgeward_logins_total{outcome="failed"}')).toBe(1)
  expect(told('edgeward_introspections_total{outcome="active"}')).toBe(1)
  expect(told('edgeward_introspections_total{outcome="inactive"}')).toBe(1)
  expect(told('edgeward_introspections_total{outcome="refused"}')).toBe(1)
  const requests = (route: string, status: string) =>
    told(`edgeward_http_requests_total{listener="apps",route="${route}",status="${status}"}`)
  expect(requests('introspection', '2xx')).toBe(2)
  expect(requests('introspection', '4xx')).toBe(1)
  expect(requests('direct_login', '2xx')).toBe(1)
  expect(requests('direct_login', '4xx')).toBe(1)
  expect(told('edgeward_broker_messages_total')).toBe(1)
  expect(told('edgeward_broker_denied_total{reason="not_a_topic_of_this_app"}')).toBe(1)
  expect(told('edgeward_readings_acknowledged_total')).toBe(2)
  expect(told('edgeward_uplink_batches_acknowledged_total')).toBeGreaterThanOrEqual(1)
  expect(told('edgeward_uplink_bytes_sent_total')).toBeGreaterThan(20)
  expect(told('edgeward_rotations_total{outcome="succeeded"}')).toBe(1)
  expect(told('edgeward_last_successful_rotation_timestamp_seconds')).toBeGreaterThan(1.7e9)
  expect(told('edgeward_sessions')).toBe(1)
  expect(told('edgeward_source_readings_total{source="line"}')).toBe(2)
  expect(told('edgeward_disk_free_bytes')).toBeGreaterThan(0)
  expect(told('edgeward_store_bytes{store="auth"}')).toBeGreaterThan(0)

  const central = await hubMetrics()
  expect(figureOf(central, 'edgeward_hub_agents{status="onboarded"}')).toBe(1)
  expect(figureOf(central, 'edgeward_hub_agents_online')).toBe(1)
  expect(figureOf(central, 'edgeward_hub_readings_total')).toBe(2)
  expect(figureOf(central, 'edgeward_hub_tokens_issued_total{kind="agent"}')).toBeGreaterThanOrEqual(1)
  expect(figureOf(central, 'edgeward_hub_acknowledge_seconds_count')).toBeGreaterThanOrEqual(1)
})

test('the manual has every metric, and no other', async () => {
  const told = [...metricNames(await boxMetrics()), ...metricNames(await hubMetrics())]
  const text = await readText('docs/metrics.md')
  const rows = [...text.matchAll(/^\| `([a-z0-9_]+)` \|/gm)].map(([, name]) => name)
  expect(rows.toSorted()).toEqual([...new Set(told)].toSorted())
})

test('alert rules and dashboard ask for metrics that there are', async () => {
  const expositions = `${await boxMetrics()}\n${await hubMetrics()}`
  const histograms = histogramsIn(expositions)
  const known = new Set(metricNames(expositions))
  const rules = await readText('packaging/prometheus/alerts.yml')
  const asked = [...rules.matchAll(/^ *expr: (.*)$/gm)].map(([, expression]) => expression as string)
  interface Panel {
    targets?: { expr: string }[]
  }
  const dashboard = JSON.parse(await readText('packaging/grafana/edgeward.json')) as { panels: Panel[] }
  const shown = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
  expect(asked.length).toBeGreaterThan(20)
  expect(shown.length).toBeGreaterThan(40)
  for (const expression of [...asked, ...shown]) {
    const names = namesIn(expression, histograms)
    if (!expression.includes('up{job=')) expect(names.length, expression).toBeGreaterThan(0)
    expect(
      names.filter((name) => !known.has(name)),
      expression,
    ).toEqual([])
  }
})

test('whoever makes up names makes no more series', async () => {
  const before = { box: seriesOf(await boxMetrics()), hub: seriesOf(await hubMetrics()) }
  const names = Array.from({ length: 120 }, (_, k) => `madeup${k}`)
  for (const name of names) {
    await http({ method: 'GET', url: `${gateway.addresses.admin}/${name}` })
    await http({ method: 'GET', url: `${gateway.addresses.auth}/${name}` })
    await http({ method: 'GET', url: `${hub.addresses.http}/${name}` })
    await post(introspect, `token=${name}`, {
      authorization: `Basic ${btoa(`${name}:x`)}`,
      'content-type': 'application/x-www-form-urlencoded',
    })
  }
  for (const name of names.slice(0, 20)) {
    await login(name, 'wrong')
    await hub.operate('tenant.add', { name })
    await expect(connect(name, 'wrong')).rejects.toThrow()
    const client = await connect(app.id, app.secret)
    await client.publishAsync(`apps/press/${name}`, '1', { qos: 1 })
    await denied(client, `apps/${name}/m`)
  }
  for (const name of names.slice(0, 5)) await gateway.operate('app.add', { name, version: '1.0.0' })
  const box = seriesOf(await boxMetrics())
  const central = seriesOf(await hubMetrics())
  expect(box.filter((series) => !before.box.includes(series))).toEqual([])
  expect(central.filter((series) => !before.hub.includes(series))).toEqual([])
})

test('health and readiness are told by status and in words', async () => {
  for (const address of [gateway.addresses.admin, hub.addresses.http]) {
    const health = await http({ method: 'GET', url: `${address}/healthz` })
    expect([health.status, health.body.toString()]).toEqual([200, '{"status":"ok","faults":[]}'])
    const ready = await http({ method: 'GET', url: `${address}/readyz` })
    expect([ready.status, ready.body.toString()]).toEqual([200, '{"status":"ready"}'])
  }
})
