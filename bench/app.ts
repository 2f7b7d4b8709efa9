import { connectAsync } from 'mqtt'
import { systemClock } from '../core/clock.ts'
import { pause } from './measure.ts'

/** An edge app that publishes at a steady rate and counts what its broker has acknowledged. */
export interface App {
  readonly acknowledged: ReadonlySet<number>
  /** Stops publishing and hangs up at once, as an app does whose broker is gone. */
  stop(): Promise<void>
}

export interface AppOptions {
  broker: string
  topic: string
  username?: string
  password?: string
  perSecond: number
  /** The n-th message. */
  payload(n: number): string
}

const tickMs = 20

export async function startApp({ broker, topic, perSecond, payload, ...login }: AppOptions): Promise<App> {
  const client = await connectAsync(broker, { ...login, clientId: 'bench-app', reconnectPeriod: 0 })
  client.on('error', () => {}) // its broker is going to be killed
  const acknowledged = new Set<number>()
  const stopped = new AbortController()
  let sent = 0

  async function publish(): Promise<void> {
    const start = systemClock.monotonic()
    while (!stopped.signal.aborted) {
      const due = Math.floor(((systemClock.monotonic() - start) * perSecond) / 1000)
      while (sent < due && client.connected) {
        const n = ++sent
        const told = client.publishAsync(topic, payload(n), { qos: 1 })
        told.then(
          () => acknowledged.add(n),
          () => {}, // never acknowledged: nobody was promised anything
        )
      }
      await pause(tickMs)
    }
  }
  const publishing = publish()
  return {
    acknowledged,
    async stop() {
      stopped.abort()
      await publishing
      await client.endAsync(true)
    },
  }
}
