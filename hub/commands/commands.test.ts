import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemRandom } from '../../core/random.ts'
import type { BoxState } from '../../protocol/command-states.ts'
import type { CommandMessage } from '../../protocol/commands.ts'
import { manualClock } from '../../test/manual-clock.ts'
import { openRegistry, type Registry } from '../registry/index.ts'
import { startHub } from '../test-hub.ts'
import { createCommands } from './index.ts'

let dir: string
let registry: Registry

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hub-commands-'))
  registry = await openRegistry(dir)
  const credential = { clientId: 'c', tenant: 'plant', secretHash: Buffer.alloc(32) }
  await registry.call('addTenant', 'plant', credential, 0)
})
afterAll(async () => {
  await registry[Symbol.asyncDispose]()
  await rm(dir, { recursive: true })
})

/** The real registry with an agent of its own. */
async function start({ online = true } = {}) {
  const clock = manualClock()
  const id = systemRandom.uuid()
  const agent = await registry.call(
    'addAgent',
    { id, tenant: 'plant', name: id, securityProfile: 'SHARED_SECRET', entityId: 'e' },
    100,
    0,
  )
  const db = new Database(join(dir, 'registry.db'))
  db.prepare(`UPDATE agent SET boarding_status = 'ONBOARDED' WHERE id = ?`).run(id)
  db.close()
  const sent: CommandMessage[] = []
  const presence = { online }
  const commands = createCommands({
    ...{ registry, clock, random: systemRandom, log: pino({ level: 'silent' }) },
    deliver: (_tenant, _agentId, message) => void sent.push(message),
    isOnline: () => presence.online,
  })
  const tell = (id: string, state: BoxState, more: object = {}) => {
    const data = { timestamp: 't', jobId: id, status: 'EXECUTING', response: { state, ...more } }
    return commands.told(agent.id, Buffer.from(JSON.stringify({ id: 'u', requestId: id, data })))
  }
  return { commands, agent, clock, sent, presence, tell }
}

const asked = { kind: 'doctor', askedBy: 'ann' }

test('an agent that never took messages by MQTT gets no commands, and who asks is told why', async () => {
  const { commands, agent } = await start()
  await expect(commands.send(agent, asked)).rejects.toMatchObject({
    code: 'commands_do_not_reach',
    message: expect.stringContaining('over HTTP'),
  })
  await commands.connected('plant', agent.id)
  await expect(commands.send(agent, asked)).resolves.toMatchObject({ state: 'sent', askedBy: 'ann' })
})

test('what waits goes out with the connection, with what is left of its time; what has ended does not', async () => {
  const { commands, agent, clock, sent, presence, tell } = await start()
  await commands.connected('plant', agent.id)
  presence.online = false
  const first = await commands.send(agent, { ...asked, deadlineMs: 10_000 })
  const second = await commands.send(agent, { ...asked, deadlineMs: 30_000 })
  expect([first.state, sent.length]).toEqual(['waiting', 0])
  await clock.advance(10_000)
  await commands.connected('plant', agent.id)
  expect(sent).toMatchObject([{ id: second.id, data: { payload: { kind: 'doctor', expiresInMs: 20_000 } } }])
  expect(await commands.show(first.id)).toMatchObject({ state: 'expired', response: { code: 'expired' } })
  await tell(second.id, 'executed', { result: { healthy: true } })
  await commands.connected('plant', agent.id)
  expect(sent).toHaveLength(1)
})

test('a command has one end: what comes before it, after it or from another agent changes nothing', async () => {
  const { commands, agent, tell } = await start()
  await commands.connected('plant', agent.id)
  const { id } = await commands.send(agent, asked)
  await tell(id, 'executing')
  await tell(id, 'received')
  expect((await commands.show(id)).state).toBe('executing')
  const foreign = {
    id: 'u',
    requestId: id,
    data: { timestamp: 't', jobId: id, status: 'FAILED', response: {} },
  }
  await commands.told('two', Buffer.from(JSON.stringify(foreign)))
  expect((await commands.show(id)).state).toBe('executing')
  await tell(id, 'executed', { result: 1 })
  await tell(id, 'failed', { reason: 'late' })
  expect(await commands.show(id)).toMatchObject({ state: 'executed', response: { result: 1 } })
  await tell('unknown', 'executed')
  await expect(commands.told(agent.id, Buffer.from('{}'))).rejects.toMatchObject({ code: 'invalid' })
})

test('a box that says nothing after the deadline: expired, and its late word stands beside that', async () => {
  const { commands, agent, clock, tell } = await start()
  await commands.connected('plant', agent.id)
  const { id } = await commands.send(agent, { ...asked, deadlineMs: 10_000 })
  await clock.advance(69_000)
  expect((await commands.show(id)).state).toBe('sent')
  await clock.advance(1_000)
  expect(await commands.show(id)).toMatchObject({ state: 'expired' })
  await tell(id, 'executed')
  expect(await commands.show(id)).toMatchObject({ state: 'expired', response: { late: 'executed' } })
})

test('an agent that is not ours says the status alone', async () => {
  const { commands, agent } = await start()
  await commands.connected('plant', agent.id)
  const { id } = await commands.send(agent, asked)
  const data = { timestamp: 't', jobId: id, status: 'EXECUTED', response: {} }
  await commands.told(agent.id, Buffer.from(JSON.stringify({ id: 'u', requestId: id, data })))
  expect((await commands.show(id)).state).toBe('executed')
})

test('only what was not sent can be cancelled, and only so many wait', async () => {
  const { commands, agent, presence, clock } = await start()
  await commands.connected('plant', agent.id)
  const sent = await commands.send(agent, asked)
  await expect(commands.cancel(sent.id)).rejects.toMatchObject({ code: 'conflict' })
  presence.online = false
  const waiting = await commands.send(agent, asked)
  expect((await commands.cancel(waiting.id)).state).toBe('cancelled')
  await expect(commands.cancel(waiting.id)).rejects.toMatchObject({ code: 'conflict' })
  for (let n = 1; n < 16; n++) await commands.send(agent, asked)
  await expect(commands.send(agent, asked)).rejects.toMatchObject({ code: 'limit_reached' })
  await clock.advance(400_000)
  await expect(commands.send(agent, asked)).resolves.toMatchObject({ state: 'waiting' })
})

test.each([
  [{ kind: 'format' }, /no command "format"/],
  [{ kind: 'log', params: { lines: 'many' } }, /lines/],
  [{ kind: 'restart', params: { hard: true } }, /unknown hard/],
])('%o is refused before anybody is asked', async (request, message) => {
  const { commands, agent } = await start()
  await commands.connected('plant', agent.id)
  await expect(commands.send(agent, { askedBy: 'ann', ...request })).rejects.toMatchObject({
    ...{ code: 'invalid', message: expect.stringMatching(message) },
  })
  expect(await commands.list(agent.id)).toEqual([])
})

test('over HTTP a tenant asks its own agents, and sees nothing of others', async () => {
  await using hub = await startHub()
  const { id, boarding } = await hub.create('SHARED_SECRET')
  await hub.register(boarding)
  const root = `/api/hub/v1/agents/${id}/commands`
  const ask = (token = hub.service, path = root) =>
    hub.call('POST', path, { token, body: { kind: 'log', params: { lines: 5 } } })
  expect(await ask()).toMatchObject({ status: 409 })
  const db = new Database(join(hub.dir, 'registry.db'))
  db.prepare('INSERT INTO command_reach (agent_id, since) VALUES (?, 0)').run(id)
  db.close()
  const { status, json } = await ask()
  expect([status, json]).toMatchObject([201, { kind: 'log', state: 'waiting', askedBy: 'tenant default' }])
  const one = `${root}/${json.id}`
  expect((await hub.call('GET', one, { token: hub.service })).json).toEqual(json)
  expect((await hub.call('GET', root, { token: hub.service })).json).toEqual({ commands: [json] })

  const other = await hub.serviceToken(await hub.operate('tenant.add', { name: 'other' }))
  for (const method of ['GET', 'DELETE'] as const)
    expect((await hub.call(method, one, { token: other })).status).toBe(404)
  expect((await ask(other)).status).toBe(404)
  expect((await hub.call('GET', one)).status).toBe(401)
  const { id: second } = await hub.create('SHARED_SECRET')
  const elsewhere = `/api/hub/v1/agents/${second}/commands/${json.id}`
  expect((await hub.call('GET', elsewhere, { token: hub.service })).status).toBe(404)

  expect((await hub.call('DELETE', one, { token: hub.service })).json.state).toBe('cancelled')
  expect((await hub.call('DELETE', one, { token: hub.service })).status).toBe(409)
  await hub.operate('agent.remove', { id })
  await expect(hub.operate('command.show', { id: json.id })).rejects.toMatchObject({ code: 'not_found' })
})
