import type { IdentityStatus, Inventory, OutboxStats, SourceStatus, UplinkStatus } from '../agent/index.ts'
import { columns, fields, when } from './output.ts'

export interface AgentStatus {
  identity: IdentityStatus
  uplink: UplinkStatus
  outbox: OutboxStats
  sources: SourceStatus[]
  configuration: { configurationId?: string; eTag?: string; faults?: string[] }
}

/** The state of a box on one screen. */
export function describeStatus(
  { identity, uplink, outbox, sources, configuration }: AgentStatus,
  { manufacturer, model, os, architecture }: Inventory,
): string {
  const member = identity.agentId && `${identity.agentId} of tenant ${identity.tenant} (${identity.profile})`
  return [
    fields([
      ['device', [manufacturer, model, os, architecture].filter((part) => part !== '').join(', ')],
      ['identity', withReason(identity.state, identity.reason)],
      ['  agent', member],
      ['  hub', identity.hub],
      ['  credential', identity.credential],
      ['  expires', when(identity.credentialExpiresAt)],
      ['  rotates', when(identity.rotateAt)],
      ['uplink', withReason(uplink.state, uplink.reason)],
      ['  to', uplink.target],
      ['  last ack', when(uplink.lastAckAt)],
      [
        'outbox',
        `${outbox.readings} readings in ${outbox.batches} batches wait, ${outbox.bytes} bytes on disk`,
      ],
      ['configuration', describeConfiguration(configuration)],
      ...(configuration.faults ?? []).map((fault) => ['  refused', fault] as const),
    ]),
    '',
    columns(
      ['SOURCE', 'PROTOCOL', 'STATE', 'READINGS', 'BAD', 'REASON'],
      sources.map(({ name, protocol, state, readings, bad, reason }) => [
        name,
        protocol,
        state,
        readings,
        Object.entries(bad)
          .map(([why, count]) => `${why} ${count}`)
          .join(', ') || 0,
        reason,
      ]),
      'no sources',
    ),
  ].join('\n')
}

const withReason = (state: string, reason: string | undefined) => (reason ? `${state}: ${reason}` : state)

const describeConfiguration = ({ configurationId, eTag }: AgentStatus['configuration']) =>
  configurationId === undefined ? 'none yet' : `${configurationId} (eTag ${eTag})`
