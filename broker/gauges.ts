import { counter, type Gauge, number } from '../core/gauge.ts'
import type { Counts } from './counts.ts'

export const brokerGauges = (of: Readonly<Counts>): Gauge[] => [
  number('edgeward_broker_connections', 'Connections of apps that are open.', of.connections),
  counter('edgeward_broker_connects_total', 'Connections of apps that were let in.', of.connected),
  counter('edgeward_broker_connects_refused_total', 'Connections that were not let in.', of.refused),
  counter('edgeward_broker_messages_total', 'Messages that apps published.', of.published),
  counter('edgeward_broker_message_bytes_total', 'Bytes of these messages.', of.publishedBytes),
  counter('edgeward_broker_messages_slowed_total', 'Messages that waited for a quota.', of.slowed),
  counter('edgeward_broker_messages_not_stored_total', 'Measurements that could not be kept.', of.notStored),
  {
    name: 'edgeward_broker_denied_total',
    help: 'What apps were denied, by reason.',
    kind: 'counter',
    samples: Object.entries(of.denied).map(([reason, value]) => ({
      labels: { reason: reason.replaceAll(' ', '_') },
      value,
    })),
  },
]
