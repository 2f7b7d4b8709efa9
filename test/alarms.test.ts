import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import {
  createAgent,
  edgeward,
  eventually,
  type Gateway,
  type Hub,
  startGateway,
  startHub,
  tempDir,
} from './harness.ts'

interface Alarm {
  id: string
  type: string
  status: string
  text: string
}
interface Shown {
  audit: { head: string; fault?: { kind: string } } | null
}

const onboard = async (gateway: Gateway, hub: Hub) => {
  const agent = await createAgent(hub, 'box', 'SHARED_SECRET')
  await gateway.operate('identity.onboard', { boarding: agent.boarding })
}

test('the hub hears of alarms at once, of events, and of an audit that was cut short', async () => {
  await using dir = await tempDir()
  const [boxDir, hubDir] = [`${dir.path}/box`, `${dir.path}/hub`]
  await using hub = await startHub(hubDir)
  await hub.operate('init')
  let gateway = await startGateway(boxDir)
  try {
    await onboard(gateway, hub)
    const heard = (all = false) => hub.operate<Alarm[]>('alarm.list', { agent: 'box', all })
    const audit = async () => (await hub.operate<Shown>('agent.show', { id: 'box' })).audit
    await eventually('the first report', async () => (await audit()) !== null)

    const service = await gateway.operate<{ name: string }>('serviceAccess.open', {
      role: 'Viewer',
      hours: 1,
    })
    await eventually(
      'the alarm is at the hub',
      async () => (await heard())[0]?.type === 'service_access_open',
    )
    const listed = await gateway.operate<Alarm[]>('alarm.list')
    expect(listed).toMatchObject([
      { type: 'service_access_open', source: 'device', severity: 'WARNING', status: 'ACTIVE', count: 1 },
    ])
    await gateway.operate('alarm.ack', { id: 'service_access_open' })
    await eventually('its state is', async () => (await heard())[0]?.status === 'ACKNOWLEDGED')
    await gateway.operate('alarm.map', { type: 'service_access_open', severity: 'MINOR', text: 'a guest' })
    await eventually('its text is', async () => (await heard())[0]?.text === 'a guest')
    const table = await edgeward(['hub', 'alarm', 'list', '--state-dir', hubDir])
    expect(table.stdout).toMatch(/MINOR +ACKNOWLEDGED +service_access_open +device +1 .* a guest/)
    await gateway.operate('serviceAccess.close', { name: service.name })
    await eventually('it is cleared', async () => (await heard()).length === 0)
    expect(await heard(true)).toMatchObject([
      { status: 'CLEARED', acknowledgedBy: 'machine', text: 'a guest' },
    ])
    const events = await hub.operate<{ type: string }[]>('event.list', { agent: 'box' })
    expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(['onboarded', 'started']))

    const { head } = (await audit()) as NonNullable<Shown['audit']>
    const verified = await edgeward(['audit', 'verify', '--head', head, '--state-dir', boxDir])
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining('are good') })
    await gateway.stop()
    const db = new Database(`${boxDir}/auth.db`)
    db.exec('DELETE FROM audit WHERE id > 3; DELETE FROM audit_checkpoint WHERE id > 3')
    db.close()
    const cut = await edgeward(['audit', 'verify', '--json', '--head', head, '--state-dir', boxDir])
    expect(cut.code).toBe(1)
    expect(JSON.parse(cut.stdout)).toMatchObject({ isGood: false, fault: { kind: expect.any(String) } })
    gateway = await startGateway(boxDir)
    await eventually('the hub sees it', async () => (await audit())?.fault?.kind === 'cut_short')
  } finally {
    await gateway.stop()
  }
})

test('kill -9 while the audit is written leaves a whole chain, and the next start says so', async () => {
  await using dir = await tempDir()
  const gateway = await startGateway(dir.path)
  let added = 0
  const adding = Array.from({ length: 8 }, async () => {
    for (;;) {
      await gateway.operate('audit.add', { text: `entry ${added}` })
      added++
    }
  }).map((writer) => writer.catch(() => {})) // killed
  await eventually('entries are written', async () => added > 50)
  await gateway.stop('SIGKILL')
  await Promise.all(adding)
  {
    await using again = await startGateway(dir.path)
    const verified = await edgeward(['audit', 'verify', '--json', '--state-dir', dir.path])
    const { isGood, entries } = JSON.parse(verified.stdout)
    expect(isGood).toBe(true)
    expect(entries).toBeGreaterThanOrEqual(added)
    const events = await again.operate<{ type: string }[]>('event.list')
    expect(events.map(({ type }) => type)).toEqual(['started', 'stopped_uncleanly', 'started'])
  }
  const db = new Database(`${dir.path}/auth.db`)
  db.exec(`UPDATE audit SET detail = '{"text":"another"}' WHERE id = 20`)
  db.close()
  expect(await edgeward(['audit', 'verify', '--state-dir', dir.path])).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('entry 20 was changed'),
  })
})
