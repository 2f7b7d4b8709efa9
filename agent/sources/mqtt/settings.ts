import Type from 'typebox'
import { checkPlace, placeInDocument, refuseBadPointer } from '../document.ts'
import type { ConfiguredPoint, Refuse } from '../source.ts'
import { placeAtNode } from '../sparkplug/index.ts'

/** What messages hold: values as text or JSON, or metrics of Sparkplug B. */
export const Payload = Type.Enum(['json', 'sparkplug'])

/** How a data point reads messages: `topic` and what goes with it, or a metric of Sparkplug B. */
export const Point = Type.Object(
  {
    topic: Type.Optional(Type.String({ minLength: 1, maxLength: 65_535 })),
    ...placeInDocument,
    ...placeAtNode,
  },
  { additionalProperties: false },
)
export type MqttPoint = ConfiguredPoint<typeof Point>

const ofJson = ['topic', 'timePointer', 'item'] as const
const ofSparkplug = ['group', 'node', 'device', 'metric'] as const

/** `checkTopic` says what is wrong with a topic. */
export function checkPoints(
  points: readonly MqttPoint[],
  payload: 'json' | 'sparkplug',
  checkTopic: (topic: string) => string | undefined,
  refuse: Refuse,
): void {
  for (const [index, { custom }] of points.entries()) {
    const needed = payload === 'json' ? (['topic'] as const) : (['group', 'node', 'metric'] as const)
    for (const key of needed) if (custom[key] === undefined) refuse(index, key, 'missing')
    for (const key of payload === 'json' ? ofSparkplug : ofJson)
      if (custom[key] !== undefined)
        refuse(index, key, payload === 'json' ? 'needs "payload":"sparkplug"' : 'is not for sparkplug')
    if (payload === 'json') checkPlace(index, custom, refuse)
    else refuseBadPointer(index, 'pointer', custom.pointer, refuse)
    const fault = custom.topic === undefined ? undefined : checkTopic(custom.topic)
    if (fault) refuse(index, 'topic', fault)
  }
}
