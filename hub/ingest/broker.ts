import { Aedes, type Client, type PublishPacket } from 'aedes'
import type { Logger } from '../../core/log.ts'
import { writeNumbersAsTheyCome } from '../../core/mqtt-numbers.ts'
import type { Random } from '../../core/random.ts'
import { type Admitted, type Credentials, maySubscribe } from './admission.ts'
import type { Session, Sessions } from './sessions.ts'

export interface BrokerDeps {
  sessions: Sessions
  /** Undefined for whom must not come in; rejects when nobody can tell. */
  admit(credentials: Credentials): Promise<Admitted | undefined>
  /** Resolves when the packet may be acknowledged; a rejection closes the connection. */
  receive(session: Session | undefined, packet: PublishPacket): Promise<void>
  /** It listens from now on. */
  listens(session: Session): void
  random: Random
  log: Logger
}

/** CONNACK return code of MQTT 3.1.1. */
const serverUnavailable = 3

/** aedes, to which these agents are clients that only ever talk with the hub. */
export async function createBroker(deps: BrokerDeps): Promise<Aedes> {
  const { sessions, log } = deps
  writeNumbersAsTheyCome()
  const broker = await Aedes.createBroker({
    id: deps.random.uuid(),
    preConnect(_client, packet, done) {
      packet.clean = true // nothing of an agent is kept here: what it missed it asks for
      delete packet.will
      done(null, true)
    },
    authenticate(client, username, password, done) {
      deps.admit({ clientId: client.id, username, password }).then(
        (admitted) => {
          if (admitted) sessions.admit(client, admitted)
          else log.warn({ clientId: client.id, username }, 'connection refused')
          done(null, admitted !== undefined)
        },
        (err) => {
          log.error({ err, clientId: client.id }, 'credentials could not be checked')
          done(Object.assign(new Error('cannot be checked'), { returnCode: serverUnavailable }), null)
        },
      )
    },
    authorizeSubscribe(client, subscription, done) {
      const session = sessions.of(client)
      const allowed = session !== undefined && maySubscribe(session, subscription.topic)
      if (!allowed) log.warn({ clientId: client.id, topic: subscription.topic }, 'subscription refused')
      done(null, allowed ? subscription : null)
    },
    authorizePublish(client, packet, done) {
      deps.receive(sessions.of(client), packet).then(() => done(), done)
    },
  })
  const failed = (client: Client, err: Error) => log.debug({ err, clientId: client.id }, 'connection failed')
  broker.on('client', sessions.opened) // before CONNACK: from then on it can be disconnected
  broker.on('subscribe', (_subscriptions, client) => {
    const session = sessions.of(client)
    if (session !== undefined) deps.listens(session)
  })
  broker.on('clientDisconnect', sessions.ended)
  broker.on('clientError', failed)
  broker.on('connectionError', failed)
  return broker
}
