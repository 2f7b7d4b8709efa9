import type { Gauge } from '../core/gauge.ts'
import { gapReasons } from '../protocol/gap.ts'
import type { Alarm } from './alarms.ts'
import type { FlashStatus } from './flash.ts'
import type { IdentityStatus } from './identity.ts'
import type { OutboxStatus } from './outbox-view.ts'
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
  outbox: OutboxStatus
  flash: FlashStatus
  alarms: readonly Alarm[]
}): Gauge[] {
  const { identity, uplink, outbox, flash, alarms } = status
  return [
    ...identityGauges(identity),
    ...uplinkGauges(uplink),
    ...outboxGauges(outbox),
    ...flashGauges(flash),
    {
      name: 'edgeward_alarm',
      help: 'Alarms that stand, by code.',
      samples: alarms.map(({ code }) => ({ labels: { code }, value: 1 })),
    },
  ]
}

const identityGauges = (identity: IdentityStatus): Gauge[] => [
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
  moment('edgeward_last_onboarding_timestamp_seconds', 'When the hub took the box in.', identity.onboardedAt),
]

const uplinkGauges = (uplink: UplinkStatus): Gauge[] => [
  number('edgeward_uplink_connected', 'Whether the hub is connected.', Number(uplink.state === 'connected')),
  number('edgeward_uplink_in_flight', 'Messages sent and not acknowledged.', uplink.inFlight),
  moment(
    'edgeward_uplink_last_ack_timestamp_seconds',
    'When the hub last acknowledged something.',
    uplink.lastAckAt,
  ),
]

const outboxGauges = (outbox: OutboxStatus): Gauge[] => [
  number('edgeward_outbox_readings', 'Readings that wait for the hub.', outbox.readings),
  number('edgeward_outbox_batches', 'Batches that wait for the hub.', outbox.batches),
  number('edgeward_outbox_bytes', 'Size of the outbox on disk.', outbox.bytes),
  number('edgeward_outbox_max_bytes', 'What the outbox may take on disk.', outbox.maxBytes),
  moment(
    'edgeward_outbox_oldest_timestamp_seconds',
    'When the oldest reading that waits for the hub was taken in.',
    outbox.oldestAt,
  ),
  counter('edgeward_readings_taken_in_total', 'Readings taken in.', outbox.takenIn),
  counter('edgeward_readings_written_total', 'Readings written to disk.', outbox.written),
  counter('edgeward_readings_acknowledged_total', 'Readings acknowledged by the hub.', outbox.acknowledged),
  {
    name: 'edgeward_readings_lost_total',
    help: 'Readings that will not arrive, by reason; the loss ledger has the rows.',
    kind: 'counter',
    samples: gapReasons.map((reason) => ({ labels: { reason }, value: outbox.lost[reason] ?? 0 })),
  },
]

const flashGauges = ({ deviceBytes, processBytes, deviceBytesPerDay, years }: FlashStatus): Gauge[] => [
  counter(
    'edgeward_flash_device_written_bytes_total',
    'Written by all programs to the device that holds the state, since the box started.',
    deviceBytes,
  ),
  counter('edgeward_flash_process_written_bytes_total', 'Written by edgeward.', processBytes),
  number('edgeward_flash_device_bytes_per_day', 'At the rate of the last hours.', deviceBytesPerDay),
  number('edgeward_flash_life_years', 'How long the device lasts at that rate.', years),
]

/** None of them has a sample while the value is not known. */
const number = (name: string, help: string, value: number | undefined): Gauge => ({
  name,
  help,
  samples: value === undefined ? [] : [{ value }],
})

const counter = (name: string, help: string, value: number | undefined): Gauge => ({
  ...number(name, help, value),
  kind: 'counter',
})

const moment = (name: string, help: string, at: number | undefined): Gauge =>
  number(name, help, at === undefined ? undefined : at / 1000)
