import { isBad, type Stamp, statusCode } from '../../../protocol/reading.ts'
import type { Sample } from '../source.ts'
import { bad } from '../typed.ts'
import { born, follows, identify, isOfThisLife, type NodeState, newNode, remember } from './node.ts'
import { decodePayload, type Metric, type SparkplugPayload } from './payload.ts'
import { type BoundPoint, readMetric, timeOf } from './reading.ts'
import { commandTopic, filterOf, type NodeTopic, parseTopic } from './topic.ts'

/** What is to be had of the edge nodes that points are bound to. */
export interface SparkplugHost {
  /** To be subscribed to. */
  readonly filters: readonly string[]
  isBound(topic: string): boolean
  take(topic: string, bytes: Buffer | undefined, received: Stamp): Taken
  /** Messages may have been missed. Topics on which to ask for a new BIRTH. */
  missed(): string[]
}

export interface Taken {
  samples: Sample[]
  /** Topic on which to ask for a new BIRTH: without one, not all can be understood. */
  rebirth?: string
}

export interface SparkplugConfig {
  /** A new BIRTH can be asked for. */
  rebirth: boolean
}

interface Node {
  command: string
  points: BoundPoint[]
  byMetric: Map<string, BoundPoint[]>
  state: NodeState
}

export function createHost(points: readonly BoundPoint[], { rebirth }: SparkplugConfig): SparkplugHost {
  const nodes = new Map(
    [...Map.groupBy(points, ({ custom }) => nodeKey(custom))].map(([key, of]) => [key, nodeWith(of)]),
  )
  const nodeOf = (topic: NodeTopic | undefined) => topic && nodes.get(nodeKey(topic))

  /** Until the BIRTH that is asked for has come, an alias may stand for something else. */
  const isDoubtful = ({ state }: Node, { name }: Metric): boolean =>
    rebirth && (state.gap || state.at !== 'born') && (name === undefined || name === '')

  const asking = ({ command }: Node) => (rebirth ? { rebirth: command } : {})

  return {
    filters: [...new Set(points.map(({ custom: { group, node } }) => filterOf(group, node)))],
    isBound: (topic) => nodeOf(parseTopic(topic)) !== undefined,
    missed() {
      for (const { state } of nodes.values()) state.at = 'unknown'
      return [...nodes.values()].map(({ command }) => command)
    },
    take(text, bytes, received) {
      const topic = parseTopic(text)
      const node = nodeOf(topic)
      if (!topic || !node) return { samples: [] }
      const payload = decoded(bytes)
      if (!payload) {
        const fault = bad('not_sparkplug', statusCode.badDecodingError)
        return {
          ...asking(node),
          samples: scope(node, topic).map(({ id }) => ({ point: id, ...fault, ...received })),
        }
      }
      if (topic.kind === 'DEATH') return died(node, topic, payload, received)
      return topic.kind === 'BIRTH'
        ? begun(node, topic, payload, received)
        : told(node, topic, payload, received)
    },
  }

  function begun(node: Node, topic: NodeTopic, payload: SparkplugPayload, received: Stamp): Taken {
    const { state } = node
    if (topic.device === undefined) born(state, payload)
    else if (!follows(state, payload)) state.gap = true
    remember(state, topic.device, payload.metrics)
    const samples = understood(node, topic, payload, received).samples
    const there = new Set(samples.map(({ point }) => point))
    const missing = scope(node, topic).filter(
      ({ id, custom }) => !there.has(id) && custom.device === topic.device,
    )
    const fault = bad('no_such_metric', statusCode.badNoData)
    const all = [...samples, ...missing.map(({ id }) => ({ point: id, ...fault, ...received }))]
    return { samples: all, ...(state.at !== 'born' || state.gap ? asking(node) : {}) }
  }

  function told(node: Node, topic: NodeTopic, payload: SparkplugPayload, received: Stamp): Taken {
    const { state } = node
    if (!follows(state, payload)) state.gap = true
    const { samples, isWhole } = understood(node, topic, payload, received)
    return { samples, ...(state.at !== 'born' || state.gap || !isWhole ? asking(node) : {}) }
  }

  function understood(
    node: Node,
    topic: NodeTopic,
    { metrics, timestamp }: SparkplugPayload,
    received: Stamp,
  ) {
    const samples: Sample[] = []
    let isWhole = true
    for (const metric of metrics) {
      const known = identify(node.state, topic.device, metric)
      if (!known) isWhole = false
      for (const point of (known && node.byMetric.get(metricKey(topic.device, known.name))) ?? []) {
        const value = readMetric(metric, known?.datatype, point)
        const sample = {
          point: point.id,
          ...value,
          ...timeOf(metric.timestamp ?? timestamp, value, received),
        }
        samples.push(isDoubtful(node, metric) ? doubted(sample) : sample)
      }
    }
    return { samples, isWhole }
  }
}

const nodeKey = ({ group, node }: Pick<NodeTopic, 'group' | 'node'>): string => `${group}/${node}`

/** Names of devices have no slash in them. */
const metricKey = (device: string | undefined, metric: string): string => `${device ?? ''}/${metric}`

function nodeWith(points: BoundPoint[]): Node {
  const [first] = points
  return {
    command: commandTopic(first?.custom.group ?? '', first?.custom.node ?? ''),
    points,
    byMetric: Map.groupBy(points, ({ custom: { device, metric } }) => metricKey(device, metric)),
    state: newNode(),
  }
}

function decoded(bytes: Buffer | undefined): SparkplugPayload | undefined {
  try {
    return bytes && decodePayload(bytes)
  } catch {
    return undefined
  }
}

/** A node takes its devices with it. */
const scope = ({ points }: Node, { device }: NodeTopic): BoundPoint[] =>
  device === undefined ? points : points.filter(({ custom }) => custom.device === device)

function died(node: Node, topic: NodeTopic, payload: SparkplugPayload, received: Stamp): Taken {
  const { state } = node
  if (topic.device === undefined) {
    if (!isOfThisLife(state, payload)) return { samples: [] }
    state.at = 'dead'
    state.metrics.clear()
    state.seq = undefined
  } else if (!follows(state, payload)) state.gap = true
  const reason = topic.device === undefined ? 'node_dead' : 'device_dead'
  const fault = bad(reason, statusCode.badNoCommunication)
  return { samples: scope(node, topic).map(({ id }) => ({ point: id, ...fault, ...received })) }
}

const doubted = (sample: Sample): Sample =>
  isBad(sample.quality) ? sample : { ...sample, quality: statusCode.uncertain, reason: 'sequence_gap' }
