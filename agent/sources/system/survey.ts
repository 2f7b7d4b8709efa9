import type { Clock } from '../../../core/clock.ts'
import { type Look, observe, type Roots } from './host.ts'
import { fitting, type Metric, type Option } from './metric.ts'
import { metrics } from './metrics.ts'
import { loopDelay } from './own.ts'

/** A metric that this machine has. */
export interface FoundMetric {
  metric: string
  /** What a data point says beside `metric`: `{"interface":"eth0"}`. */
  option?: { key: string; name: string }
  value: number | bigint | boolean
  unit: string
  /** Types of data points that take it. */
  types: readonly string[]
}

/** Over this time are those figures that are of the time between two looks. */
const betweenMs = 500

/** All that a source of the protocol "system" could read here, with its value. */
export async function surveyMetrics(clock: Clock, roots: Roots = { proc: '/proc', sys: '/sys' }) {
  const delay = loopDelay()
  const moment = () => ({ monotonic: clock.monotonic(), isTimeProven: true, loopDelayMs: delay.readMs() })
  const take = observe(roots)
  await surveyed(take(moment()))
  await clock.sleep(betweenMs)
  const found = await surveyed(take(moment()))
  delay.stop()
  return found
}

async function surveyed(look: Look): Promise<FoundMetric[]> {
  const all = Object.entries(metrics).filter(([name]) => name !== 'time.proven') // which the daemon alone knows
  return (await Promise.all(all.map(([name, metric]) => each(name, metric, look)))).flat()
}

/** Without a name it is the first one, or the only one. */
const namedOrNot = (option: Option | undefined, names: readonly string[]): (string | undefined)[] =>
  names.length > 0 || option?.required ? [...names] : [undefined]

async function each(name: string, metric: Metric, look: Look): Promise<FoundMetric[]> {
  const { option, unit, kind } = metric
  const names = option ? await option.names(look).catch(() => []) : []
  const asked = option?.key === 'core' && !option.required ? [undefined, ...names] : namedOrNot(option, names)
  const found = asked.map(async (one) => {
    const value = await metric.read(look, one).catch(() => undefined)
    if (value === undefined || Number.isNaN(value)) return []
    const own = one === undefined || !option ? {} : { option: { key: option.key, name: one } }
    return [{ metric: name, ...own, value, unit, types: fitting[kind] }]
  })
  return (await Promise.all(found)).flat()
}
