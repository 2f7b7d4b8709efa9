import Type from 'typebox'
import { aborted } from '../../../core/tasks.ts'
import { protocol, type Refuse } from '../source.ts'
import { Point, readMessage } from './message.ts'

/** Messages that apps publish on the broker of this box. */
export const mqtt = protocol({
  customData: { source: Type.Object({}, { additionalProperties: false }), point: Point },

  check({ points }, refuse) {
    for (const [index, { custom }] of points.entries()) {
      if (/[+#\0]/.test(custom.topic)) refuse(index, 'topic', 'must be one topic; + and # are not taken')
      refuseBadPointer(index, 'pointer', custom.pointer, refuse)
      refuseBadPointer(index, 'timePointer', custom.timePointer, refuse)
    }
  },

  create({ points }, { stamp, storeOrRefuse }) {
    const bound = Map.groupBy(points, ({ custom }) => custom.topic)
    return {
      run: aborted,
      isBound: (topic) => bound.has(topic),
      offer(topic, message) {
        const listening = bound.get(topic)
        if (!listening) return undefined
        const received = stamp()
        return storeOrRefuse(listening.map((point) => readMessage(message, point, received)))
      },
    }
  },
})

function refuseBadPointer(index: number, key: string, pointer: string | undefined, refuse: Refuse): void {
  if (pointer !== undefined && !/^(\/([^~/]|~[01])*)*$/.test(pointer))
    refuse(index, key, `${JSON.stringify(pointer)} is no JSON pointer; for example "/value"`)
}
