import { byLabel, counter, type Gauge, number } from '../core/gauge.ts'
import { gapReasons } from '../protocol/gap.ts'
import type { IngestState } from './ingest/index.ts'
import type { Registry } from './registry/index.ts'
import type { Tokens } from './tokens/index.ts'

/** The process that the hub runs in, and its disk. */
export interface Box {
  gauges(): Gauge[]
  /** What does not work, in words. */
  faults(): string[]
}

export const noBox: Box = { gauges: () => [], faults: () => [] }

type ByStatus = Awaited<ReturnType<typeof agentsByStatus>>
const statuses: readonly ByStatus[number]['status'][] = ['NOT_ONBOARDED', 'ONBOARDING', 'ONBOARDED']

const agentsByStatus = (registry: Registry) => registry.call('agentsByStatus')

export interface Figures {
  registry: Registry
  tokens: Pick<Tokens, 'issued'>
  state: IngestState
}

/** The hub in numbers. Nothing in them names an agent or a tenant. */
export async function hubGauges({ registry, tokens, state }: Figures): Promise<Gauge[]> {
  return [
    agentGauge(await agentsByStatus(registry)),
    ...ingestGauges(state),
    {
      name: 'edgeward_hub_tokens_issued_total',
      help: 'Access tokens made since this start, by whom they speak for.',
      kind: 'counter',
      samples: byLabel('kind', { ...tokens.issued }),
    },
  ]
}

const agentGauge = (counts: ByStatus): Gauge => ({
  name: 'edgeward_hub_agents',
  help: 'Agents, by the state of their onboarding.',
  samples: statuses.map((status) => ({
    labels: { status: status.toLowerCase() },
    value: counts.find((count) => count.status === status)?.total ?? 0,
  })),
})

const ingestGauges = (of: IngestState): Gauge[] => [
  number('edgeward_hub_agents_online', 'Agents that are connected.', of.online),
  counter('edgeward_hub_connects_total', 'Connections of agents that were let in.', of.admitted),
  counter('edgeward_hub_connects_refused_total', 'Connections that were not let in.', of.refused),
  number(
    'edgeward_hub_ingest_waiting_messages',
    'Messages that wait for their commits.',
    of.waiting.messages,
  ),
  number('edgeward_hub_ingest_waiting_bytes', 'Bytes of these messages.', of.waiting.bytes),
  counter('edgeward_hub_batches_total', 'Batches committed since this start.', of.batches),
  counter('edgeward_hub_readings_total', 'Readings of committed batches since this start.', of.readings),
  counter('edgeward_hub_batch_repeats_total', 'Batches that came again since this start.', of.repeats),
  counter(
    'edgeward_hub_malformed_total',
    'Messages since this start that could not be read and were kept aside.',
    of.malformed,
  ),
  of.acknowledgeSeconds.gauge(
    'edgeward_hub_acknowledge_seconds',
    'From the message of an agent to its commit, which is then acknowledged.',
  ),
  {
    name: 'edgeward_hub_lost_readings_total',
    help: 'Readings that agents have reported as lost since this start, where they know how many.',
    kind: 'counter',
    samples: gapReasons.map((reason) => ({ labels: { reason }, value: of.lost.get(reason) ?? 0 })),
  },
]
