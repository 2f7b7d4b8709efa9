import type { Metric } from 'prom-client'
import type { Gauge } from './gauge.ts'

/** The text that Prometheus scrapes, and its content type. Gauges of one name come together. */
export async function exposition(gauges: readonly Gauge[]): Promise<{ text: string; contentType: string }> {
  const {
    default: { Registry },
  } = await import('prom-client') // not loaded unless somebody scrapes
  const registry = new Registry()
  for (const gauge of joined(gauges)) registry.registerMetric(asMetric(gauge))
  return { text: await registry.metrics(), contentType: registry.contentType }
}

function joined(gauges: readonly Gauge[]): Iterable<Gauge> {
  const all = new Map<string, Gauge>()
  for (const gauge of gauges) {
    const samples = [...(all.get(gauge.name)?.samples ?? []), ...gauge.samples]
    all.set(gauge.name, { ...gauge, samples })
  }
  return all.values()
}

/** Its own metrics count by themselves; ours are counted elsewhere and only said. */
function asMetric({ name, help, kind = 'gauge', samples }: Gauge): Metric {
  const values = samples.map(({ labels = {}, value, suffix = '' }) => ({
    ...{ labels, value },
    metricName: `${name}${suffix}`,
  }))
  const said = { name, help, type: kind, values, aggregator: 'sum' }
  return { name, get: async () => said } as unknown as Metric
}
