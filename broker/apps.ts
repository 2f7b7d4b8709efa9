import type { Client } from 'aedes'
import type { Clock } from '../core/clock.ts'
import { createMeter, type Meter } from './meter.ts'
import { isAppName } from './rights.ts'
import { createTally, type Tally } from './tally.ts'

/** One app, with everything it holds in the memory of the broker. */
export interface App {
  readonly name: string
  /** Also those whose secret is still being checked. */
  readonly connections: Set<Client>
  /** Its secret was right once. Before that the name is only claimed. */
  admitted: boolean
  /** Bytes of messages that wait for the disk. */
  waitingBytes: number
  /** Requests that were denied or failed; the more there are, the fewer are logged. */
  faults: number
  readonly meter: Meter
  readonly tally: Tally
  /** Accounts for a message that is to be retained; false when it would be too much. */
  retain(topic: string, payloadBytes: number): boolean
  /** It was taken: the one before is gone. */
  retained(topic: string, payloadBytes: number): void
}

export interface Apps {
  /**
   * Counts a connection to the app that it claims to be, from before its secret is checked: an app that
   * is shut out meanwhile takes the connection with it. Undefined when no app can have that name.
   */
  claim(name: string, client: Client): App | undefined
  of(client: Client): App | undefined
  find(name: string): App | undefined
}

/** Retained messages live in memory; this is what one app may fill. */
const maxRetainedBytes = 1024 * 1024
const perRetainedBytes = 256

export function createApps(clock: Clock): Apps {
  const apps = new Map<string, App>()
  const owners = new WeakMap<Client, App>()
  return {
    claim(name, client) {
      if (!isAppName(name)) return undefined
      const app = apps.get(name) ?? createApp(name, clock)
      apps.set(name, app)
      owners.set(client, app)
      app.connections.add(client)
      client.conn.once('close', () => {
        app.connections.delete(client)
        // names that were only claimed must not pile up
        if (!app.admitted && app.connections.size === 0) apps.delete(name)
      })
      return app
    },
    of: (client) => owners.get(client),
    find: (name) => apps.get(name),
  }
}

function createApp(name: string, clock: Clock): App {
  const retained = new Map<string, number>()
  let retainedBytes = 0
  const costOf = (topic: string, payloadBytes: number): number =>
    payloadBytes === 0 ? 0 : topic.length + payloadBytes + perRetainedBytes
  const count = (topic: string, bytes: number): void => {
    retainedBytes += bytes - (retained.get(topic) ?? 0)
    if (bytes === 0) retained.delete(topic)
    else retained.set(topic, bytes)
  }
  return {
    name,
    connections: new Set(),
    admitted: false,
    waitingBytes: 0,
    faults: 0,
    meter: createMeter(clock),
    tally: createTally(clock),
    retain(topic, payloadBytes) {
      const bytes = costOf(topic, payloadBytes)
      const before = retained.get(topic) ?? 0
      if (bytes > 0 && retainedBytes - before + bytes > maxRetainedBytes) return false
      count(topic, Math.max(before, bytes)) // it may still be refused, and the one before stays
      return true
    },
    retained: (topic, payloadBytes) => count(topic, costOf(topic, payloadBytes)),
  }
}
