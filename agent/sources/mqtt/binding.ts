import type { Stamp } from '../../../protocol/reading.ts'
import { readDocument } from '../document.ts'
import type { Message } from '../message.ts'
import type { Sample } from '../source.ts'
import { type BoundPoint, createHost } from '../sparkplug/index.ts'
import type { MqttPoint } from './settings.ts'
import { covers, fewest, hasWildcard } from './topics.ts'

/** What the data points of a source have to do with messages. */
export interface Binding {
  /** To be subscribed to; together they mean each topic but once where that can be. */
  readonly filters: readonly string[]
  isBound(topic: string): boolean
  /** Undefined when no data point is bound to the topic. */
  read(topic: string, message: Message, received: Stamp): Read | undefined
  /** Messages may have been missed: topics on which to ask for a Sparkplug BIRTH. */
  missed(): string[]
}

export interface Read {
  samples: Sample[]
  /** Topic on which to ask for a Sparkplug BIRTH. */
  rebirth?: string
}

/** `rebirth`: a Sparkplug BIRTH can be asked for. */
export const bind = (
  points: readonly MqttPoint[],
  payload: 'json' | 'sparkplug' | undefined,
  config: { rebirth: boolean },
): Binding => (payload === 'sparkplug' ? toMetrics(points as BoundPoint[], config) : toTopics(points))

function toTopics(points: readonly MqttPoint[]): Binding {
  const byFilter = Map.groupBy(points, ({ custom }) => custom.topic as string)
  const wide = [...byFilter].filter(([filter]) => hasWildcard(filter))
  const listening = (topic: string): MqttPoint[] => {
    const exact = byFilter.get(topic) ?? []
    const others = wide.flatMap(([filter, bound]) => (covers(filter, topic) ? bound : []))
    return others.length === 0 ? exact : [...exact, ...others]
  }
  return {
    filters: fewest([...byFilter.keys()]),
    isBound: (topic) => listening(topic).length > 0,
    missed: () => [],
    read(topic, message, received) {
      const bound = listening(topic)
      if (bound.length === 0) return undefined
      return { samples: bound.flatMap((point) => readDocument(message, point, received)) }
    },
  }
}

function toMetrics(points: readonly BoundPoint[], config: { rebirth: boolean }): Binding {
  const host = createHost(points, config)
  return {
    ...{ filters: host.filters, isBound: host.isBound, missed: host.missed },
    read: (topic, message, received) =>
      host.isBound(topic) ? host.take(topic, message.bytes, received) : undefined,
  }
}
