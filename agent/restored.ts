import type { Logger } from '../core/log.ts'
import { readStored } from './diagnosis/stored.ts'
import { IdentityUnreadable } from './errors.ts'
import { holding } from './onboarding/machine.ts'

/** What lies in the state directory, with the folder of its migrations. */
export const agentDatabases = [
  { name: 'outbox.db', migrations: new URL('./outbox/migrations/', import.meta.url) },
]

export interface StoredMembership {
  tenant: string
  agentId: string
  credentialIssuedAt: number
}

/** Of an identity that nobody has open; undefined where there is none, or none that can be read. */
export async function membershipIn(
  { log }: { log: Logger },
  { dir }: { dir: string },
): Promise<StoredMembership | undefined> {
  try {
    const held = holding((await readStored(dir, log)).state)
    if (!held) return undefined
    const { tenant, agentId } = held.home
    return { tenant, agentId, credentialIssuedAt: held.active.issuedAt }
  } catch (error) {
    if (error instanceof IdentityUnreadable) return undefined
    throw error
  }
}
