import { once } from 'node:events'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import {
  agentStatus,
  createAgent,
  edgeward,
  eventually,
  type Gateway,
  type Hub,
  plant,
  sameAddresses,
  startGateway,
  startHub,
  tempDir,
} from './harness.ts'

interface Sent {
  id: string
  state: string
  code?: string
  reason?: string
  result?: unknown
}

const all = {
  EDGEWARD_AGENT_REMOTE_COMMANDS: 'restart,log,doctor,configuration,rotate',
  EDGEWARD_AGENT_SUPERVISED: 'true',
}

/** The test is who starts the box again. */
async function onboarded(path: string, env: Record<string, string> = all) {
  const hub = await startHub(`${path}/hub`)
  await hub.operate('init')
  const agent = await createAgent(hub, 'box', 'SHARED_SECRET')
  const start = (): Promise<Gateway> => startGateway(`${path}/box`, env)
  const gateway = await start()
  await gateway.operate('identity.onboard', { boarding: agent.boarding })
  await connected(gateway)
  return { hub, agent, gateway, start }
}

const connected = (gateway: Gateway): Promise<void> =>
  eventually('the box is connected', async () => (await agentStatus(gateway)).uplink.state === 'connected')

const send = (hub: Hub, kind: string, more: object = {}): Promise<Sent> =>
  hub.operate('command.send', { agent: 'box', kind, ...more })

async function endOf(hub: Hub, { id }: Sent): Promise<Sent> {
  let shown: Sent | undefined
  await eventually('the command has ended', async () => {
    shown = await hub.operate<Sent>('command.show', { id })
    return ['executed', 'failed', 'rejected', 'expired', 'cancelled'].includes(shown.state)
  })
  return shown as Sent
}

const perform = async (hub: Hub, kind: string, more: object = {}): Promise<Sent> =>
  endOf(hub, await send(hub, kind, more))

test.concurrent('each kind is done on the box, and its answer is at the hub', async () => {
  await using dir = await tempDir()
  const { hub, agent, gateway, start } = await onboarded(dir.path)
  await using _hub = hub
  await using stack = new AsyncDisposableStack()
  stack.use(gateway)

  const doctor = send(hub, 'doctor')
  const log = await perform(hub, 'log', { params: { lines: 50 } })
  const { lines } = log.result as { lines: string[] }
  expect(lines.map((line) => JSON.parse(line).msg)).toContain('command received')

  await hub.operate('agent.configure', { id: agent.id, configuration: plant('press', 'plant-7') })
  const configuration = await perform(hub, 'configuration')
  expect(configuration).toMatchObject({
    state: 'executed',
    result: {
      status: { configurationId: 'plant-7' },
      settings: { agent: { supervised: true } },
      dataSources: { hub: { dataSources: [{ name: 'line' }] } },
    },
  })

  const { credential } = (await agentStatus(gateway)).identity
  const rotated = await perform(hub, 'rotate')
  expect(rotated).toMatchObject({ state: 'executed', result: { before: credential } })
  expect((await agentStatus(gateway)).identity.credential).not.toBe(credential)

  expect(await endOf(hub, await doctor)).toMatchObject({
    state: 'executed',
    result: { healthy: expect.any(Boolean), findings: expect.arrayContaining([expect.anything()]) },
  })

  const ended = once(gateway.process, 'exit')
  const restart = await send(hub, 'restart')
  expect(await ended).toEqual([6, null])
  const again = stack.use(await start())
  expect(await endOf(hub, restart)).toMatchObject({ state: 'executed' })
  const events = await again.operate<{ type: string }[]>('event.list')
  expect(events.slice(0, 3).map(({ type }) => type)).toEqual(['command_executed', 'started', 'stopped'])
  const { entries } = await again.operate<{ entries: object[] }>('audit.list', { type: 'remote_command' })
  expect(entries[0]).toMatchObject({
    action: 'Remote command executed',
    detail: { kind: 'restart', askedBy: 'operator of the hub' },
  })
})

test.concurrent('a box does only what it allows, and a command waits for it until its deadline', async () => {
  await using dir = await tempDir()
  const { hub, gateway } = await onboarded(dir.path, { EDGEWARD_AGENT_REMOTE_COMMANDS: 'restart' })
  await using _hub = hub
  await using _gateway = gateway
  const box = ['--agent', 'box', '--state-dir', `${dir.path}/hub`]
  const refused = await edgeward(['hub', 'command', 'send', 'rotate', '--wait', '--json', ...box])
  expect(refused.code).toBe(4)
  expect(JSON.parse(refused.stdout)).toMatchObject({ state: 'rejected', code: 'not_allowed' })
  expect(refused.stderr).toMatch(/rotate {2}rejected/)
  const alone = await perform(hub, 'restart')
  expect(alone).toMatchObject({ state: 'rejected', code: 'not_supervised' })
  const { entries } = await gateway.operate<{ entries: object[] }>('audit.list', { type: 'remote_command' })
  expect(entries).toHaveLength(2)
  const events = await gateway.operate<{ type: string; text: string }[]>('event.list')
  expect(events[1]).toMatchObject({
    type: 'command_rejected',
    text: 'rotate, asked for by operator of the hub: agent.remote_commands of this box does not allow rotate',
  })

  await expect(send(hub, 'format')).rejects.toMatchObject({ code: 'invalid' })
  await hub.operate('agent.create', { name: 'http', profile: 'SHARED_SECRET' })
  const unreached = hub.operate('command.send', { agent: 'http', kind: 'doctor' })
  await expect(unreached).rejects.toMatchObject({ code: 'commands_do_not_reach' })
  const list = await edgeward(['hub', 'command', 'list', ...box])
  expect(list.stdout).toMatch(/restart +rejected .* operator of the hub +nobody would start edgeward again/)

  await gateway.stop()
  const [late, cancelled, waiting] = await Promise.all([
    send(hub, 'log', { deadlineMs: 1_000 }),
    send(hub, 'rotate'),
    send(hub, 'log', { params: { lines: 1 } }),
  ])
  expect(waiting.state).toBe('waiting')
  expect((await hub.operate<Sent>('command.cancel', { id: cancelled.id })).state).toBe('cancelled')
  expect(await endOf(hub, late)).toMatchObject({ state: 'expired', code: 'expired' })
  await using again = await startGateway(`${dir.path}/box`, all)
  expect(await endOf(hub, waiting)).toMatchObject({ state: 'executed' })
  const done = await again.operate<{ type: string }[]>('event.list')
  expect(done.filter(({ type }) => type === 'command_executed')).toHaveLength(1)
})

test.concurrent('killed in the middle, a command fails, later ones are done, and none is done twice', async () => {
  await using dir = await tempDir()
  const { hub, gateway, start } = await onboarded(dir.path)
  let serving = hub
  const doctor = await send(serving, 'doctor')
  const behind = await send(serving, 'rotate')
  await eventually('it is executed', async () => {
    const [shown, next] = await Promise.all(
      [doctor, behind].map(({ id }) => serving.operate<Sent>('command.show', { id })),
    )
    return shown?.state === 'executing' && next?.state === 'received'
  })
  await gateway.stop('SIGKILL')
  await using again = await start()
  try {
    expect(await endOf(serving, doctor)).toMatchObject({ state: 'failed', code: 'interrupted' })
    expect(await endOf(serving, behind)).toMatchObject({ state: 'executed' })

    // A hub that was restored from a backup sends again what it had not heard of.
    const { credential } = (await agentStatus(again)).identity
    await serving.stop()
    const db = new Database(`${dir.path}/hub/registry.db`)
    db.exec(`UPDATE command SET state = 'sent', finished_at = NULL, response = NULL`)
    db.close()
    serving = await startHub(`${dir.path}/hub`, sameAddresses(hub))
    expect(await endOf(serving, behind)).toMatchObject({ state: 'executed', result: { after: credential } })
    expect(await endOf(serving, doctor)).toMatchObject({ state: 'failed', code: 'interrupted' })
    expect((await agentStatus(again)).identity.credential).toBe(credential)
  } finally {
    await serving.stop()
  }
})
