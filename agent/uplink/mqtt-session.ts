import { type RetryPolicy, retrying } from '../../core/retry.ts'
import { type AgentTopics, agentTopics, mqttClientId } from '../../protocol/topics.ts'
import { agentOf, type Line } from '../commands/index.ts'
import type { AccessToken, Membership } from '../identity.ts'
import { type Connection, openConnection } from './connection.ts'
import { ConnectionRefused } from './errors.ts'
import { createInbox } from './inbox.ts'
import { columnarFarSide, largestPayload, type MqttConfig } from './mqtt-columnar.ts'
import { insightsFarSide } from './mqtt-insights.ts'
import { createReporting, type Reporting } from './reporting.ts'
import type { Session, SessionDeps, SessionEvents } from './session.ts'
import type { createVersions } from './version.ts'

export interface MqttSessionConfig extends MqttConfig {
  format: 'columnar' | 'insights'
  retry: RetryPolicy
}

export interface MqttSessionDeps extends SessionDeps, SessionEvents {
  versions: ReturnType<typeof createVersions>
}

/** Lives as long as its access token. */
export async function openMqttSession(
  deps: MqttSessionDeps,
  config: MqttSessionConfig,
  { membership, target }: { membership: Membership; target: string },
  signal: AbortSignal,
): Promise<Session> {
  const { identity, outbox, clock, log, verdicts, onConfiguration, onLeftOut, report, onReportChange } = deps
  const agent = agentOf(membership)
  const topics = agentTopics(membership.tenant, membership.agentId)
  let reporting: Reporting | undefined
  const inbox = createInbox({
    topics,
    onAck: ({ epoch, ranges, time }) => verdicts.acknowledged(epoch, ranges, time),
    onGapAck: (ack) => reporting?.acknowledged(ack),
    onConfiguration,
    onCommand: (message) => void deps.commands?.receive(message, agent),
    log,
  })
  const token = await identity.accessToken(signal)
  const { connection, version } = await connectWith(deps, { membership, target, token, inbox }, signal)
  onConfiguration(undefined)

  const mqtt = { connection, topics, verdicts }
  const isColumnar = config.format === 'columnar'
  const told = { connection, topics, outbox, report, onReportChange, clock, log }
  if (isColumnar) reporting = createReporting(told, config)
  return {
    farSide: isColumnar ? columnarFarSide(mqtt, config) : insightsFarSide({ ...mqtt, onLeftOut }, config),
    protocol: version === 5 ? 'mqtt 5' : 'mqtt 3.1.1',
    async run(over) {
      const reports: Promise<void>[] = reporting ? [reporting.run(over)] : []
      if (deps.commands) reports.push(deps.commands.tell(lineTo({ connection, topics }, agent), over))
      await Promise.race([connection.ended, renewed(deps, config, token, over), ...reports])
    },
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  }
}

/** The hub's commits come before its PUBACKs: one for an update is all the answer that it needs. */
const lineTo = (
  { connection, topics }: { connection: Connection; topics: AgentTopics },
  agent: string,
): Line => ({
  agent,
  send(update) {
    const payload = Buffer.from(JSON.stringify(update))
    if (payload.length > largestPayload(connection, topics.commandUpdate)) return Promise.resolve(false)
    return new Promise((resolve, reject) => {
      connection.publish(topics.commandUpdate, payload, () => resolve(true)).catch(reject)
    })
  },
})

interface Address {
  membership: Membership
  target: string
  token: AccessToken
  inbox(topic: string, payload: Buffer): void
}

async function connectWith(
  { connect, identity, versions }: MqttSessionDeps,
  { membership, target, token, inbox }: Address,
  signal: AbortSignal,
): Promise<{ connection: Connection; version: 4 | 5 }> {
  const { tenant, agentId, ca } = membership
  const options = {
    target,
    clientId: mqttClientId(tenant, agentId),
    username: agentId,
    password: token.token,
    inbound: agentTopics(tenant, agentId).inbound,
    ca,
    onMessage: inbox,
  }
  try {
    return await versions(target, (version) => openConnection(connect, { ...options, version }, signal))
  } catch (error) {
    if (error instanceof ConnectionRefused) identity.forget(token.token)
    throw error
  }
}

/** Resolves when the next token is there; until then the connection serves on. */
async function renewed(
  { identity, clock, random }: MqttSessionDeps,
  { retry }: MqttSessionConfig,
  { renewAt }: AccessToken,
  signal: AbortSignal,
): Promise<void> {
  await clock.sleep(renewAt - clock.monotonic(), signal)
  await retrying(() => identity.accessToken(signal), retry, { clock, random }, signal)
}
