import { encodeMessage } from '../../protocol/message.ts'
import type { AgentTopics } from '../../protocol/topics.ts'
import type { Connection } from './connection.ts'
import type { FarSide, Verdicts } from './far-side.ts'
import { createToldNames } from './told-names.ts'

export interface MqttConfig {
  window: number
  maxBytes: number
  ackTimeoutMs: number
  /** A PUBACK means that it is committed; else only an acknowledgement of our own does. */
  trustPuback: boolean
}

export interface MqttDeps {
  connection: Connection
  topics: AgentTopics
  verdicts: Verdicts
}

/** Type, length, length of the topic, packet id, length of the properties, none of which there are. */
const packetHeaderBytes = 16
/** Version, name and lengths of a message, and some names; what does not fit after all comes apart. */
const messageHeaderBytes = 64

/** What a payload may be, where the far side has a limit. */
export const largestPayload = ({ maximumPacketBytes }: Connection, topic: string): number =>
  (maximumPacketBytes ?? Number.POSITIVE_INFINITY) - packetHeaderBytes - Buffer.byteLength(topic)

/** Our own messages over MQTT: a hub that says itself what it has committed. */
export function columnarFarSide({ connection, topics, verdicts }: MqttDeps, config: MqttConfig): FarSide {
  const names = createToldNames()
  const largest = largestPayload(connection, topics.batch)
  return {
    limits: {
      window: Math.min(config.window, connection.receiveMaximum),
      maxBytes: Math.max(1, Math.min(config.maxBytes, largest) - messageHeaderBytes),
      ackTimeoutMs: config.ackTimeoutMs,
    },
    async send(message) {
      const { epoch, seq, count } = message
      const payload = encodeMessage({ ...message, names: names.untold(epoch, message.names) })
      // A batch alone may be larger than what was asked for, but not than what the far side takes.
      if (payload.length > (count === 1 ? largest : Math.min(largest, config.maxBytes))) return 'too large'
      const onPuback = () => {
        if (config.trustPuback) verdicts.acknowledged(epoch, [[seq, seq + count - 1]])
      }
      await connection.publish(topics.batch, payload, onPuback)
      return 'sent'
    },
    delivered: names.told,
  }
}
