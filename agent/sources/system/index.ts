import { closest } from 'fastest-levenshtein'
import Type from 'typebox'
import { type Stamp, statusCode } from '../../../protocol/reading.ts'
import { Interval, intervalMs } from '../interval.ts'
import { every } from '../schedule.ts'
import { type ConfiguredPoint, type Protocol, protocol, type Refuse, type Sample } from '../source.ts'
import { bad, type Typed, typed } from '../typed.ts'
import { type Look, observe, type Roots } from './host.ts'
import { fitting, type Metric, optionKeys } from './metric.ts'
import { metrics } from './metrics.ts'
import { loopDelay } from './own.ts'
import { NoSuchFigure, NotSupported } from './reading.ts'

const Source = Type.Object({ interval: Type.Optional(Interval) }, { additionalProperties: false })
const Point = Type.Object(
  {
    metric: Type.String(),
    /** disk.*: a path on the file system meant; "/" unless told. */
    path: Type.Optional(Type.String({ pattern: '^/' })),
    /** cpu.*: "0", "1" …; all together unless told. */
    core: Type.Optional(Type.String({ pattern: '^\\d+$' })),
    /** disk.reads and the like: "mmcblk0". */
    device: Type.Optional(Type.String({ minLength: 1 })),
    /** network.*: "eth0". */
    interface: Type.Optional(Type.String({ minLength: 1 })),
    /** temperature, fan: "thermal_zone0" or "cpu-thermal"; the first sensor unless told. */
    zone: Type.Optional(Type.String({ minLength: 1 })),
  },
  { additionalProperties: false },
)
type Point = ConfiguredPoint<typeof Point>

const defaultInterval = '10s'

/** Figures of the machine itself, straight from the kernel. */
export const systemOf = (roots: Roots): Protocol =>
  protocol({
    customData: { source: Source, point: Point },
    trial: 'beside',

    check({ custom: { interval }, points }, refuse, { minIntervalMs }) {
      if (interval !== undefined && intervalMs(interval) < minIntervalMs)
        refuse(
          undefined,
          'interval',
          `"${interval}" is shorter than sources.min_interval, ${minIntervalMs} ms`,
        )
      for (const [index, point] of points.entries()) checkPoint(index, point, refuse)
    },

    create({ custom: { interval = defaultInterval }, points }, { clock, stamp, storeOrLose, turned }) {
      const look = observe(roots)
      return {
        async run(signal) {
          // It wakes the process fifty times a second: only for who asks.
          const delay = points.some(asksForLoopDelay) ? loopDelay() : undefined
          const turn = async () => {
            const taken = stamp()
            const now = look({
              monotonic: clock.monotonic(),
              isTimeProven: taken.monotonic === undefined,
              loopDelayMs: delay?.readMs() ?? 0,
            })
            const samples = await Promise.all(points.map((point) => sample(point, now, taken)))
            // Not awaited: a slow disk must not slow the polling.
            void storeOrLose(samples.filter((found) => found !== undefined))
          }
          await every(intervalMs(interval), clock, signal, turn, turned).finally(() => delay?.stop())
        },
      }
    },
  })

const asksForLoopDelay = ({ custom }: Point): boolean => custom.metric === 'edgeward.loop_delay'

function checkPoint(index: number, { type, custom }: Point, refuse: Refuse): void {
  const metric = Object.hasOwn(metrics, custom.metric) ? metrics[custom.metric] : undefined
  if (!metric) {
    const guess = closest(custom.metric, Object.keys(metrics))
    refuse(index, 'metric', `unknown metric ${JSON.stringify(custom.metric)}; did you mean "${guess}"?`)
    return
  }
  for (const key of optionKeys) {
    if (custom[key] !== undefined && metric.option?.key !== key)
      refuse(index, key, `"${custom.metric}" does not take it`)
    if (custom[key] === undefined && metric.option?.key === key && metric.option.required)
      refuse(index, key, `missing; "${custom.metric}" needs it`)
  }
  const types = fitting[metric.kind]
  if (!types.includes(type))
    refuse(index, 'metric', `"${custom.metric}" fits a point of type ${types.join(', ')}, not ${type}`)
}

async function sample({ id, type, custom }: Point, look: Look, taken: Stamp): Promise<Sample | undefined> {
  const metric = metrics[custom.metric] as Metric
  try {
    const raw = await metric.read(look, metric.option && custom[metric.option.key])
    return raw === undefined ? undefined : { point: id, ...typed(raw, type), ...taken }
  } catch (error) {
    return { point: id, ...unavailable(error), ...taken }
  }
}

function unavailable(error: unknown): Typed {
  if (error instanceof NoSuchFigure) return bad('no_such_figure', statusCode.badNoData)
  const { code } = error as NodeJS.ErrnoException
  if (error instanceof NotSupported || code === 'ENOENT')
    return bad('not_supported', statusCode.badNotSupported)
  return bad('read_failed', statusCode.badNoData)
}
