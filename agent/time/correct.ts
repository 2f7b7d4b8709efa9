import { type Reading, withDoubtfulTime } from '../../protocol/reading.ts'
import { driftRate, type Proof, tolerableErrorMs } from './guard.ts'

/**
 * The readings with the times that the proof gives them. What remains doubtful is Uncertain: without a
 * proof (it keeps the time that the box took it for, and `monotonic`), or too far from it.
 */
export function correct(readings: readonly Reading[], proof: Proof | undefined): Reading[] {
  return readings.map((reading) => {
    const { monotonic, ...rest } = reading
    if (monotonic === undefined) return reading
    if (!proof) return { ...reading, quality: withDoubtfulTime(reading.quality) }
    const passed = monotonic - proof.monotonic
    const errorMs = proof.errorMs + driftRate * Math.abs(passed)
    return {
      ...rest,
      time: Math.round(proof.time + passed),
      quality: errorMs > tolerableErrorMs ? withDoubtfulTime(reading.quality) : reading.quality,
    }
  })
}
