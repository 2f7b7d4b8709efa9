import type { Gauge } from '../core/gauge.ts'
import type { IdentityStatus } from './identity.ts'
import type { OutboxStats } from './outbox/index.ts'
import type { UplinkStatus } from './uplink/index.ts'

const states: readonly IdentityStatus['state'][] = [
  'unboarded',
  'onboarding',
  'onboarded',
  'rotating',
  'needs-onboarding',
]

/** The agent in numbers. What has not happened yet has no sample, so that no alarm counts from 1970. */
export function agentGauges(status: {
  identity: IdentityStatus
  uplink: UplinkStatus
  outbox: OutboxStats
}): Gauge[] {
  const { identity, uplink, outbox } = status
  return [
    {
      name: 'edgeward_identity_state',
      help: 'State of the identity: 1 for the one it is in.',
      samples: states.map((state) => ({ labels: { state }, value: Number(state === identity.state) })),
    },
    moment(
      'edgeward_credential_expires_timestamp_seconds',
      'When the credential in use ends.',
      identity.credentialExpiresAt,
    ),
    moment(
      'edgeward_last_successful_rotation_timestamp_seconds',
      'When the credential in use followed another.',
      identity.rotatedAt,
    ),
    moment(
      'edgeward_last_onboarding_timestamp_seconds',
      'When the hub took the box in.',
      identity.onboardedAt,
    ),
    number(
      'edgeward_uplink_connected',
      'Whether the hub is connected.',
      Number(uplink.state === 'connected'),
    ),
    number('edgeward_outbox_readings', 'Readings that wait for the hub.', outbox.readings),
    number('edgeward_outbox_batches', 'Batches that wait for the hub.', outbox.batches),
    number('edgeward_outbox_bytes', 'Size of the outbox on disk.', outbox.bytes),
  ]
}

const number = (name: string, help: string, value: number): Gauge => ({ name, help, samples: [{ value }] })

const moment = (name: string, help: string, at: number | undefined): Gauge => ({
  name,
  help,
  samples: at === undefined ? [] : [{ value: at / 1000 }],
})
