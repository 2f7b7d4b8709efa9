import type { Client, PublishPacket } from 'aedes'
import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import { type Acknowledgements, gatherAcknowledgements } from './acknowledgements.ts'
import type { Admitted } from './admission.ts'
import type { Link } from './link.ts'

/** An admitted agent's connection. */
export interface Session extends Admitted {
  acknowledgements: Acknowledgements
  link: Link
  /** Sends to this agent; does nothing when the connection has ended. */
  send(topic: string, message: object): void
  /** Notes that the agent has been heard. */
  seen(): void
  close(): void
}

/** Who is connected. A connection ends with its access token at the latest. */
export interface Sessions {
  /** Before the client is told that it may come in. */
  admit(client: Client, admitted: Admitted): void
  of(client: Client | null): Session | undefined
  ofAgent(agentId: string): Session | undefined
  count(): number
  /** Epoch milliseconds, since this start. */
  lastSeenAt(agentId: string): number | undefined
  opened(client: Client): void
  ended(client: Client): void
}

/** Shorter than the wait for a token's end, since the wall clock may step meanwhile. */
const longestSleepMs = 60_000

export function createSessions({ clock, log }: { clock: Clock; log: Logger }): Sessions {
  const sessions = new WeakMap<Client, Session & { over: AbortController }>()
  const online = new Map<string, Client>()
  const lastSeen = new Map<string, number>()

  async function closeAtExpiry({ principal, close }: Session, over: AbortSignal): Promise<void> {
    const { agentId, expiresAt } = principal
    while (clock.now() < expiresAt) await clock.sleep(Math.min(expiresAt - clock.now(), longestSleepMs), over)
    log.info({ agentId }, 'access token has expired; connection closed')
    close()
  }

  return {
    admit(client, admitted) {
      const send = (topic: string, message: object) => {
        if (!client.closed) client.publish(packet(topic, message), () => {})
      }
      const link = client.conn as Link // what the listener gave to the broker
      link.admit()
      sessions.set(client, {
        ...admitted,
        link,
        acknowledgements: gatherAcknowledgements(clock, (ack) => send(admitted.topics.ack, ack)),
        send,
        seen: () => void lastSeen.set(admitted.principal.agentId, clock.now()),
        close: () => client.close(),
        over: new AbortController(),
      })
    },
    of: (client) => (client === null ? undefined : sessions.get(client)),
    ofAgent(agentId) {
      const client = online.get(agentId)
      return client && sessions.get(client)
    },
    count: () => online.size,
    lastSeenAt: (agentId) => lastSeen.get(agentId),
    opened(client) {
      const session = sessions.get(client)
      if (session === undefined) return
      const { agentId } = session.principal
      online.set(agentId, client)
      session.seen()
      log.info({ agentId }, 'agent connected')
      closeAtExpiry(session, session.over.signal).catch(() => {}) // rejects when it is over before
    },
    ended(client) {
      const session = sessions.get(client)
      if (session === undefined) return
      const { agentId } = session.principal
      session.over.abort()
      if (online.get(agentId) === client) online.delete(agentId) // unless a newer connection took over
      log.info({ agentId }, 'agent disconnected')
    },
  }
}

const packet = (topic: string, message: object): PublishPacket => ({
  cmd: 'publish',
  topic,
  payload: JSON.stringify(message),
  qos: 1,
  retain: false,
  dup: false,
})
