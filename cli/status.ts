import type {
  Alarm,
  ConfigurationStatus,
  FlashStatus,
  IdentityStatus,
  Inventory,
  Offer,
  OutboxStatus,
  SourceStatus,
  TimeStatus,
  UplinkStatus,
} from '../agent/index.ts'
import { describeConfiguration } from './configuration-words.ts'
import { describeDelivery } from './delivery.ts'
import { columns, fields, when } from './output.ts'

export interface AgentStatus {
  identity: IdentityStatus & { offer?: Offer }
  uplink: UplinkStatus
  outbox: OutboxStatus
  flash: FlashStatus
  alarms: Alarm[]
  sources: SourceStatus[]
  configuration: ConfigurationStatus
  time: TimeStatus
}

/** The state of a box on one screen. */
export function describeStatus(
  { identity, uplink, outbox, flash, alarms, sources, configuration, time }: AgentStatus,
  { manufacturer, model, os, architecture }: Inventory,
  now: number,
): string {
  const member = identity.agentId && `${identity.agentId} of tenant ${identity.tenant} (${identity.profile})`
  return [
    fields([
      ['device', [manufacturer, model, os, architecture].filter((part) => part !== '').join(', ')],
      ['identity', withReason(identity.state, identity.reason)],
      ...describeOffer(identity.offer),
      ['  agent', member],
      ['  hub', identity.hub],
      ['  credential', identity.credential],
      ['  expires', when(identity.credentialExpiresAt)],
      ['  rotates', when(identity.rotateAt)],
      ['  rotated', when(identity.rotatedAt)],
      ['  onboarded', when(identity.onboardedAt)],
      ...alarms.map(
        ({ code, message, raisedAt }) => ['ALARM', `${code}: ${message} (${when(raisedAt)})`] as const,
      ),
      ['uplink', withReason(uplink.state, uplink.reason)],
      ['  to', uplink.target],
      ['  last ack', when(uplink.lastAckAt)],
      ...describeDelivery(outbox, flash, outbox.asOf ?? now),
      ...describeConfiguration(configuration),
      ['time', describeTime(time)],
    ]),
    '',
    columns(
      ['SOURCE', 'PROTOCOL', 'STATE', 'READINGS', 'BAD', 'LOST', 'REASON'],
      sources.map(({ name, protocol, state, readings, bad, lost, reason }) => [
        name,
        protocol,
        state,
        readings,
        Object.entries(bad)
          .map(([why, count]) => `${why} ${count}`)
          .join(', ') || 0,
        lost,
        reason,
      ]),
      'no sources',
    ),
  ].join('\n')
}

function describeOffer(offer: Offer | undefined) {
  if (!offer) return []
  const { path, agentId, tenant, hub } = offer
  return [
    ['  offered', `${path}: agent ${agentId} of tenant ${tenant} at ${hub}`],
    ['  to take it', 'edgeward onboard --confirm'],
  ] as const
}

const withReason = (state: string, reason: string | undefined) => (reason ? `${state}: ${reason}` : state)

function describeTime({ state, source, offsetMs, since }: TimeStatus): string {
  const who = source === undefined ? '' : ` by ${source === 'ntp' ? 'NTP' : 'the hub'}`
  const seconds = Math.round(Math.abs(offsetMs) / 1000)
  const clock =
    seconds === 0 ? '' : `; the clock of the box is ${seconds} s ${offsetMs > 0 ? 'slow' : 'fast'}`
  return `${state}${who} since ${when(since)}${clock}`
}
