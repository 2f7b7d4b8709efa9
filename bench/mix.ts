import { type Reading, statusCode, type Value } from '../protocol/reading.ts'
import type { Draw } from '../test/seeded.ts'

const doubles = 30
const counters = 10
const booleans = 6
const texts = 4
const states = ['RUN', 'STOP', 'IDLE', 'FAULT']
const jitterMs = 20

/** Points of one scan. */
export const pointsInMix = doubles + counters + booleans + texts

/**
 * A line that is read once a second: 30 doubles with two decimals that walk, 10 counters, 6 booleans,
 * 4 states; each value is up to 20 ms late.
 */
export function mixedPlant(draw: Draw): (time: number) => Reading[] {
  const levels = Array.from({ length: doubles }, (_, k) => 20 + k + draw() * 10)
  const counts = Array.from({ length: counters }, () => Math.floor(draw() * 1e6))
  return (time) => {
    const read = (point: string, value: Value): Reading => ({
      point,
      value,
      quality: statusCode.good,
      time: time + Math.floor(draw() * jitterMs),
    })
    for (const k of levels.keys()) levels[k] = (levels[k] as number) + (draw() - 0.5) * 0.4
    for (const k of counts.keys()) counts[k] = (counts[k] as number) + Math.floor(draw() * 5)
    const state = () => states[draw() > 0.95 ? Math.floor(draw() * states.length) : 0] as string
    return [
      ...levels.map((level, k) => read(`double.${k}`, Math.round(level * 100) / 100)),
      ...counts.map((count, k) => read(`counter.${k}`, count)),
      ...Array.from({ length: booleans }, (_, k) => read(`boolean.${k}`, draw() > 0.1)),
      ...Array.from({ length: texts }, (_, k) => read(`state.${k}`, state())),
    ]
  }
}
