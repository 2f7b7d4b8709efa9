import { Counter, Gauge as PrometheusGauge, Registry } from 'prom-client'
import type { Gauge } from '../core/gauge.ts'

/** The text that Prometheus scrapes, and its content type. */
export async function exposition(gauges: readonly Gauge[]): Promise<{ text: string; contentType: string }> {
  const registry = new Registry()
  for (const { name, help, kind, samples } of gauges) {
    const labelNames = Object.keys(samples[0]?.labels ?? {})
    const Metric = kind === 'counter' ? Counter : PrometheusGauge
    const metric = new Metric({ name, help, labelNames, registers: [registry] })
    if (samples.length === 0) metric.remove() // it would say 0
    for (const { labels = {}, value } of samples) metric.inc(labels, value) // from 0, as it was just made
  }
  return { text: await registry.metrics(), contentType: registry.contentType }
}
