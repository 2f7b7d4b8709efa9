import { Counter, Gauge, Registry } from 'prom-client'
import type { IngestState } from './ingest/index.ts'

/** The text that Prometheus scrapes, and its content type. Nothing in it names an agent or a tenant. */
export async function exposition(state: IngestState): Promise<{ text: string; contentType: string }> {
  const registry = new Registry()
  const gauge = (name: string, help: string, value: number) =>
    new Gauge({ name: `edgeward_hub_${name}`, help, registers: [registry] }).set(value)
  const counter = (name: string, help: string, value: number) =>
    new Counter({ name: `edgeward_hub_${name}_total`, help, registers: [registry] }).inc(value)

  gauge('agents_online', 'Agents that are connected.', state.online)
  gauge('ingest_waiting_messages', 'Messages that wait for their commits.', state.waiting.messages)
  gauge('ingest_waiting_bytes', 'Bytes of the messages that wait for their commits.', state.waiting.bytes)
  counter('batches', 'Batches committed since this start.', state.batches)
  counter('readings', 'Readings of committed batches since this start.', state.readings)
  counter('batch_repeats', 'Batches that came again since this start.', state.repeats)
  counter(
    'malformed',
    'Messages since this start that could not be read and were kept aside.',
    state.malformed,
  )
  const lost = new Counter({
    name: 'edgeward_hub_lost_readings_total',
    help: 'Readings that agents have reported as lost since this start, where they know how many.',
    labelNames: ['reason'],
    registers: [registry],
  })
  for (const [reason, count] of state.lost) lost.inc({ reason }, count)
  return { text: await registry.metrics(), contentType: registry.contentType }
}
