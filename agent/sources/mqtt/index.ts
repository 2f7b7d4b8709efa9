import Type from 'typebox'
import { aborted } from '../../../core/tasks.ts'
import { protocol } from '../source.ts'
import { bind } from './binding.ts'
import { checkPoints, Payload, Point } from './settings.ts'
import { hasWildcard } from './topics.ts'

/** Messages that apps publish on the broker of this box. */
export const mqtt = protocol({
  customData: {
    source: Type.Object({ payload: Type.Optional(Payload) }, { additionalProperties: false }),
    point: Point,
  },

  check({ custom, points }, refuse) {
    const oneTopic = (topic: string) =>
      hasWildcard(topic) || topic.includes('\0') ? 'must be one topic; + and # are not taken' : undefined
    checkPoints(points, custom.payload ?? 'json', oneTopic, refuse)
  },

  create({ custom, points }, { stamp, storeOrRefuse }) {
    const binding = bind(points, custom.payload, { rebirth: false })
    return {
      run: aborted,
      isBound: binding.isBound,
      offer(topic, message) {
        const read = binding.read(topic, message, stamp())
        return read && storeOrRefuse(read.samples)
      },
    }
  },
})
