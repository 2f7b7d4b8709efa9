import { Invalid } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import { parseJson } from '../../core/schema.ts'
import { type Ack, type GapAck, parseAck, parseConfigurationAnnouncement } from '../../protocol/ack.ts'
import { type CommandMessage, parseCommandMessage } from '../../protocol/commands.ts'
import type { AgentTopics } from '../../protocol/topics.ts'

export interface InboxDeps {
  topics: AgentTopics
  onAck(ack: Ack): void
  onGapAck(ack: GapAck): void
  onConfiguration(eTag: string): void
  onCommand(message: CommandMessage): void
  log: Logger
}

/** Understands what the hub sends. What it cannot understand is counted in the log and dropped. */
export function createInbox({ topics, onAck, onGapAck, onConfiguration, onCommand, log }: InboxDeps) {
  let dropped = 0

  function onAcknowledgement(ack: Ack | GapAck): void {
    if ('ledger' in ack) onGapAck(ack)
    else onAck(ack)
  }

  return (topic: string, payload: Buffer): void => {
    try {
      const message = parseJson(payload.toString(), topic)
      if (topic === topics.ack) onAcknowledgement(parseAck(message, 'acknowledgement'))
      else if (topic === topics.configuration)
        onConfiguration(parseConfigurationAnnouncement(message, 'announcement').eTag)
      else if (topic === topics.command) onCommand(parseCommandMessage(message, 'command'))
      else throw new Invalid('this release does not know the topic')
    } catch (err) {
      if (!(err instanceof Invalid)) throw err
      dropped++
      log.warn({ err, topic, dropped }, 'message of the hub not understood')
    }
  }
}
