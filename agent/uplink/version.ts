import { Unreachable } from '../../core/net/index.ts'
import type { Connection, ConnectionOptions } from './connection.ts'
import { ConnectionRefused } from './errors.ts'

export interface Versioned {
  connection: Connection
  version: ConnectionOptions['version']
}

/**
 * MQTT 5 first, for its limits and reasons; 3.1.1 where the far side does not speak it, which is remembered
 * by target. Some say so, as they should; others just close the connection, as a hub that restarts does too:
 * then 3.1.1 is remembered only when it was let in.
 */
export function createVersions() {
  const speaksOnlyFour = new Set<string>()

  return async (
    target: string,
    open: (version: ConnectionOptions['version']) => Promise<Connection>,
  ): Promise<Versioned> => {
    if (!speaksOnlyFour.has(target))
      try {
        return { connection: await open(5), version: 5 }
      } catch (error) {
        if (!mayBeTheVersion(error)) throw error
      }
    const connection = await open(4)
    speaksOnlyFour.add(target)
    return { connection, version: 4 }
  }
}

const mayBeTheVersion = (error: unknown): boolean =>
  error instanceof ConnectionRefused
    ? error.isForVersion
    : error instanceof Unreachable && error.step === 'answer'
