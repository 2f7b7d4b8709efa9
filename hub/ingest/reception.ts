import type { PublishPacket } from 'aedes'
import type { Clock } from '../../core/clock.ts'
import { EdgeError, Invalid } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import type { ReadingStore } from '../store/index.ts'
import { mayPublish } from './admission.ts'
import type { Session } from './sessions.ts'

export class PublishRefused extends EdgeError {
  override readonly name = 'PublishRefused'
  readonly code = 'publish_refused'
  override readonly statusCode = 403
}

/**
 * Takes one packet in: resolves when it may be acknowledged, since its batch is committed or never can
 * be. Anything else rejects.
 */
export function reception({ store, clock, log }: { store: ReadingStore; clock: Clock; log: Logger }) {
  return async (session: Session | undefined, packet: PublishPacket): Promise<void> => {
    if (session === undefined || !mayPublish(session, packet)) {
      log.warn({ agentId: session?.principal.agentId, topic: packet.topic }, 'publish refused')
      throw new PublishRefused(`may not publish to ${packet.topic}`)
    }
    const { agentId } = session.principal
    session.seen()
    try {
      const { epoch, seq } = await store.commit(agentId, Buffer.from(packet.payload), clock.now())
      session.acknowledgements.add(epoch, seq)
    } catch (err) {
      if (!(err instanceof Invalid)) {
        log.error({ err, agentId }, 'batch could not be committed')
        throw err
      }
      log.warn({ err, agentId }, 'message is no batch and was kept aside')
    }
  }
}
