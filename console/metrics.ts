import { Gauge as PrometheusGauge, Registry } from 'prom-client'
import type { Gauge } from '../core/gauge.ts'

/** The text that Prometheus scrapes, and its content type. */
export async function exposition(gauges: readonly Gauge[]): Promise<{ text: string; contentType: string }> {
  const registry = new Registry()
  for (const { name, help, samples } of gauges) {
    const labelNames = Object.keys(samples[0]?.labels ?? {})
    const gauge = new PrometheusGauge({ name, help, labelNames, registers: [registry] })
    if (samples.length === 0) gauge.remove() // it would say 0
    for (const { labels = {}, value } of samples) gauge.set(labels, value)
  }
  return { text: await registry.metrics(), contentType: registry.contentType }
}
