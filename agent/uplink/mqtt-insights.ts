import type { FarSide } from './far-side.ts'
import { largestPayload, type MqttConfig, type MqttDeps } from './mqtt-columnar.ts'
import { countLeftOut, expansion, toTimeSeries } from './time-series.ts'
import { batchesOf } from './understood.ts'

const envelope = (piece: string): Buffer => Buffer.from(`{"timeseries":[${piece}]}`)
const envelopeBytes = envelope('').length

export interface InsightsDeps extends MqttDeps {
  /** Readings that this format has no way to say. */
  onLeftOut(count: number): void
}

/** Insights Hub time series over MQTT. They carry no name, so a PUBACK is all the answer there is. */
export function insightsFarSide(
  { connection, topics, verdicts, onLeftOut }: InsightsDeps,
  config: MqttConfig,
): FarSide {
  const largest = largestPayload(connection, topics.timeSeries)
  const maxBytes = Math.min(config.maxBytes, largest)
  return {
    limits: {
      window: Math.min(config.window, connection.receiveMaximum),
      maxBytes: Math.max(1, Math.floor(maxBytes / expansion)),
      ackTimeoutMs: config.ackTimeoutMs,
    },
    async send(message) {
      const batches = batchesOf(message, verdicts)
      if (batches === undefined) return 'sent'
      const { epoch, seq, count } = message
      const payloads = toTimeSeries(batches, maxBytes - envelopeBytes).map(envelope)
      if (payloads.some((payload) => payload.length > largest)) return 'too large'
      onLeftOut(countLeftOut(batches))
      let unanswered = payloads.length
      const onPuback = () => {
        unanswered--
        if (unanswered === 0) verdicts.acknowledged(epoch, [[seq, seq + count - 1]])
      }
      for (const payload of payloads) await connection.publish(topics.timeSeries, payload, onPuback)
      if (payloads.length === 0) verdicts.acknowledged(epoch, [[seq, seq + count - 1]])
      return 'sent'
    },
    delivered() {},
  }
}
