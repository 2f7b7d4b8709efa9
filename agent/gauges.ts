import { byLabel, counter, type Gauge, moment, number } from '../core/gauge.ts'
import { severities, typeOf } from '../protocol/alarm.ts'
import { gapReasons } from '../protocol/gap.ts'
import type { Ending } from './alarms/watch.ts'
import type { Alarm } from './alarms.ts'
import type { Rotations } from './credentials/rotation-count.ts'
import type { FlashStatus } from './flash.ts'
import type { IdentityStatus } from './identity.ts'
import type { CommitStatus } from './outbox/index.ts'
import type { OutboxStatus } from './outbox-view.ts'
import { type SourceStatus, sourceGauges } from './sources/index.ts'
import type { TimeStatus } from './time/index.ts'
import type { Traffic, UplinkStatus } from './uplink/index.ts'

/** What the agent is to be told in numbers of. */
export interface Shown {
  identity: IdentityStatus
  rotations: Rotations
  uplink: UplinkStatus
  traffic: Traffic
  outbox: OutboxStatus
  commits: CommitStatus
  sources: readonly SourceStatus[]
  time: TimeStatus
  flash: FlashStatus
  alarms: readonly Alarm[]
  certificates: readonly Ending[]
}

const states: readonly IdentityStatus['state'][] = [
  'unboarded',
  'onboarding',
  'onboarded',
  'rotating',
  'needs-onboarding',
]

/** The agent in numbers. What has not happened yet has no sample, so that no alarm counts from 1970. */
export const agentGauges = (shown: Shown): Gauge[] => [
  ...identityGauges(shown),
  ...timeGauges(shown),
  ...uplinkGauges(shown),
  ...outboxGauges(shown),
  ...sourceGauges(shown.sources),
  ...flashGauges(shown),
  ...alarmGauges(shown),
]

const identityGauges = ({ identity, rotations, certificates }: Shown): Gauge[] => [
  {
    name: 'edgeward_identity_state',
    help: 'State of the identity: 1 for the one it is in.',
    samples: states.map((state) => ({ labels: { state }, value: Number(state === identity.state) })),
  },
  moment(
    'edgeward_credential_issued_timestamp_seconds',
    'When the credential in use was issued.',
    identity.credentialIssuedAt,
  ),
  moment(
    'edgeward_credential_expires_timestamp_seconds',
    'When the credential in use ends.',
    identity.credentialExpiresAt,
  ),
  moment('edgeward_credential_rotation_due_timestamp_seconds', 'When it is renewed.', identity.rotateAt),
  moment(
    'edgeward_last_successful_rotation_timestamp_seconds',
    'When the credential in use followed another.',
    identity.rotatedAt,
  ),
  moment('edgeward_last_onboarding_timestamp_seconds', 'When the hub took the box in.', identity.onboardedAt),
  counter('edgeward_rotations_begun_total', 'Times that a rotation was begun.', rotations.begun),
  {
    name: 'edgeward_rotations_total',
    help: 'Rotations that have ended, by outcome.',
    kind: 'counter',
    samples: byLabel('outcome', { succeeded: rotations.succeeded, refused: rotations.refused }),
  },
  {
    name: 'edgeward_certificate_expires_timestamp_seconds',
    help: 'When a certificate of the box ends.',
    samples: certificates.map(({ name, notAfter }) => ({
      labels: { certificate: name },
      value: notAfter / 1000,
    })),
  },
]

const timeGauges = ({ time }: Shown): Gauge[] => [
  number('edgeward_time_trusted', 'Whether the time is proven.', Number(time.state === 'trusted')),
  {
    name: 'edgeward_time_source',
    help: 'Who vouches for the time: 1 for that one.',
    samples: byLabel('source', {
      hub: Number(time.source === 'hub'),
      ntp: Number(time.source === 'ntp'),
      none: Number(time.source === undefined),
    }),
  },
  number(
    'edgeward_time_offset_seconds',
    'What has to be added to the clock of the box; 0 while nothing better is known.',
    time.offsetMs / 1000,
  ),
]

const uplinkGauges = ({ uplink, traffic }: Shown): Gauge[] => [
  number('edgeward_uplink_connected', 'Whether the hub is connected.', Number(uplink.state === 'connected')),
  number('edgeward_uplink_in_flight', 'Messages sent and not acknowledged.', uplink.inFlight),
  moment(
    'edgeward_uplink_oldest_unacknowledged_timestamp_seconds',
    'When the oldest message that is not acknowledged was sent.',
    uplink.oldestUnackedAt,
  ),
  moment(
    'edgeward_uplink_last_ack_timestamp_seconds',
    'When the hub last acknowledged something.',
    uplink.lastAckAt,
  ),
  counter('edgeward_uplink_messages_sent_total', 'Messages sent, repeats too.', traffic.messages),
  counter('edgeward_uplink_batches_sent_total', 'Batches sent, repeats too.', traffic.batches),
  counter('edgeward_uplink_bytes_sent_total', 'Bytes of the batches that were sent.', traffic.bytes),
  counter(
    'edgeward_uplink_batches_acknowledged_total',
    'Batches that the hub acknowledged.',
    uplink.acknowledgedBatches,
  ),
  counter(
    'edgeward_uplink_connections_total',
    'Times that the hub was connected, the first one too.',
    traffic.connections,
  ),
  counter(
    'edgeward_uplink_failures_total',
    'Times that a connection, or the way to one, failed.',
    traffic.failures,
  ),
]

const outboxGauges = ({ outbox, commits }: Shown): Gauge[] => [
  number('edgeward_outbox_readings', 'Readings that wait for the hub.', outbox.readings),
  number('edgeward_outbox_batches', 'Batches that wait for the hub.', outbox.batches),
  number('edgeward_outbox_bytes', 'Size of the outbox on disk.', outbox.bytes),
  number('edgeward_outbox_max_bytes', 'What the outbox may take on disk.', outbox.maxBytes),
  moment(
    'edgeward_outbox_oldest_timestamp_seconds',
    'When the oldest reading that waits for the hub was taken in.',
    outbox.oldestAt,
  ),
  commits.seconds.gauge('edgeward_outbox_commit_seconds', 'How long a commit of the outbox took.'),
  number(
    'edgeward_outbox_commit_overdue_seconds',
    'How long what is to be written has waited for its commit.',
    commits.overdueMs / 1000,
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

const flashGauges = ({
  flash: { deviceBytes, processBytes, deviceBytesPerDay, processBytesPerDay, years },
}: Shown): Gauge[] => [
  counter(
    'edgeward_flash_device_written_bytes_total',
    'Written by all programs to the device that holds the state, since the box started.',
    deviceBytes,
  ),
  counter('edgeward_flash_process_written_bytes_total', 'Written by edgeward.', processBytes),
  number('edgeward_flash_device_bytes_per_day', 'At the rate of the last hours.', deviceBytesPerDay),
  number(
    'edgeward_flash_process_bytes_per_day',
    'By edgeward, at the rate of the last hours.',
    processBytesPerDay,
  ),
  number('edgeward_flash_life_years', 'How long the device lasts at that rate.', years),
]

/** By type, which is a closed set; codes may name what people have named. */
function alarmGauges({ alarms }: Shown): Gauge[] {
  const byType: Record<string, number> = {}
  for (const alarm of alarms) byType[typeOf(alarm)] = (byType[typeOf(alarm)] ?? 0) + 1
  return [
    {
      name: 'edgeward_alarms',
      help: 'Alarms that stand, by severity.',
      samples: severities.map((severity) => ({
        labels: { severity },
        value: alarms.filter((alarm) => alarm.severity === severity).length,
      })),
    },
    { name: 'edgeward_alarm', help: 'Alarms that stand, by type.', samples: byLabel('code', byType) },
  ]
}
