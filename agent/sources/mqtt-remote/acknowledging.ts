import type { IPublishPacket, MqttClient } from 'mqtt'

/** What is read of a connection and not kept yet, at most. */
const mostWaiting = 200

/** The one method of the client that is not in its face: what it sends goes through it. */
interface Sending {
  _sendPacket(
    packet: { cmd: string; messageId?: number },
    done?: (error?: Error) => void,
    ...more: unknown[]
  ): void
}

/**
 * A PUBACK is sent when `keep` has resolved, in the order of the messages, and none any more when it has
 * rejected. By itself the client takes the next message only after the PUBACK of the one before, which
 * would be one message for each commit.
 */
export function acknowledgeWhenKept(
  client: MqttClient,
  keep: (packet: IPublishPacket) => Promise<void>,
  onRefusal: (error: Error) => void,
): void {
  const keeping = new Map<number, Promise<void>>()
  const sending = client as unknown as Sending
  const send = sending._sendPacket.bind(client)
  let waiting = 0
  let readOn: (() => void) | undefined
  let order = Promise.resolve()

  function settled(): void {
    waiting--
    const next = readOn
    readOn = undefined
    next?.() // may read on as far as the next limit, at once
  }

  client.handleMessage = (packet, done) => {
    waiting++
    const kept = keep(packet)
    kept.then(settled, (error) => {
      settled()
      onRefusal(error)
    })
    if (packet.messageId !== undefined) keeping.set(packet.messageId, kept)
    if (waiting < mostWaiting) done()
    else readOn = done
  }

  sending._sendPacket = (packet, done, ...more) => {
    const kept = packet.cmd === 'puback' ? keeping.get(packet.messageId ?? 0) : undefined
    if (!kept) return send(packet, done, ...more)
    keeping.delete(packet.messageId ?? 0)
    order = order.then(() => kept).then(() => send(packet, () => {}, ...more))
    order.catch(() => {}) // told by `onRefusal`
    done?.()
  }
}
