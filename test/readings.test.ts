import { expect, test } from 'vitest'
import { openNetwork } from '../core/net/index.ts'
import {
  agentStatus,
  createAgent,
  edgeward,
  eventually,
  type Gateway,
  joinPlant,
  readings,
  startGateway,
  startHub,
  tempDir,
} from './harness.ts'

const { http } = openNetwork()

/** As an app without MQTT sends its measurements. */
async function post(gateway: Gateway, { id, secret }: { id: string; secret: string }, body: unknown) {
  const { status, body: answer } = await http({
    method: 'POST',
    url: `${gateway.addresses.auth}/api/v1/readings`,
    headers: {
      authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
  })
  return { status, answer: JSON.parse(answer.toString()) as unknown }
}

test.concurrent('measurements that an app posts survive kill -9 and arrive at the hub, each once', async () => {
  await using dir = await tempDir()
  await using hub = await startHub(`${dir.path}/hub`)
  await hub.operate('init')
  const agent = await createAgent(hub, 'box', 'SHARED_SECRET')
  const before = await startGateway(`${dir.path}/box`)
  const app = await joinPlant(before, hub, agent)

  const message = (n: number) => ({ topic: 'apps/press/m', payload: { n, x: n / 4 } })
  expect(await post(before, app, message(1))).toEqual({ status: 200, answer: { accepted: 1 } })
  const rest = Array.from({ length: 99 }, (_, k) => message(k + 2))
  expect(await post(before, app, rest)).toEqual({ status: 200, answer: { accepted: 99 } })
  expect(await post(before, app, [message(100), { topic: 'apps/press/unknown', payload: 1 }])).toMatchObject({
    status: 422,
    answer: { code: 'topic_not_bound', detail: 'no data point is bound to [1] "apps/press/unknown"' },
  })
  await before.stop('SIGKILL')

  await using gateway = await startGateway(`${dir.path}/box`)
  await eventually('all at the hub', async () => (await agentStatus(gateway)).outbox.readings === 0)
  const counts = (await readings(hub, agent.id, 'n')).map(({ value }) => Number(value))
  expect(counts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, k) => k + 1))

  const { code, stdout } = await edgeward(['status', '--gaps', '--json', '--state-dir', `${dir.path}/box`])
  expect(code).toBe(0)
  const { sources } = JSON.parse(stdout) as { sources: { balanced: boolean }[] }
  expect(sources.every(({ balanced }) => balanced)).toBe(true)
})

test.concurrent('metrics, status and doctor tell what waits, what was lost and what the flash suffers', async () => {
  await using dir = await tempDir()
  await using hub = await startHub(`${dir.path}/hub`)
  await hub.operate('init')
  const agent = await createAgent(hub, 'box', 'SHARED_SECRET')
  await using gateway = await startGateway(`${dir.path}/box`)
  const app = await joinPlant(gateway, hub, agent)
  await hub.stop()
  await post(gateway, app, { topic: 'apps/press/m', payload: { n: 1, x: 1 } })

  const scraped = await http({ method: 'GET', url: `${gateway.addresses.admin}/metrics` })
  const metrics = scraped.body.toString()
  for (const line of [
    /^edgeward_outbox_readings 2$/m,
    /^edgeward_outbox_oldest_timestamp_seconds \d+/m,
    /^# TYPE edgeward_readings_taken_in_total counter\nedgeward_readings_taken_in_total 2$/m,
    /^edgeward_readings_lost_total\{reason="quota"\} 0$/m,
    /^edgeward_uplink_in_flight \d+$/m,
    /^edgeward_flash_process_written_bytes_total \d+$/m,
  ])
    expect(metrics).toMatch(line)

  const status = await edgeward(['status', '--state-dir', `${dir.path}/box`])
  expect(status.stdout).toMatch(/^outbox +2 readings in 1 batches wait, the oldest for \d+ s; /m)
  expect(status.stdout).toMatch(/^ {2}mode +spill/m)
  expect(status.stdout).toMatch(/^flash +/m)
  const gaps = await edgeward(['status', '--gaps', '--state-dir', `${dir.path}/box`])
  expect(gaps.stdout).toMatch(/^line +2 +0 +2 +0 +exact$/m)
  const doctor = await edgeward(['doctor', '--json', '--state-dir', `${dir.path}/box`])
  const { findings } = JSON.parse(doctor.stdout) as {
    findings: { id: string; status: string; cause: string }[]
  }
  const found = (id: string) => findings.find((finding) => finding.id === id)
  expect(found('outbox')).toMatchObject({ status: 'ok', cause: expect.stringContaining('2 readings in 1') })
  expect(found('flash')?.status).toBe('skipped')
})
