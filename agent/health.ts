import type { Ending } from './alarms/watch.ts'
import type { CommitStatus } from './outbox/index.ts'
import { silenceMs } from './outbox-view.ts'
import type { SourceStatus } from './sources/index.ts'

export interface Working {
  commits: Pick<CommitStatus, 'overdueMs'>
  sources: readonly Pick<SourceStatus, 'name' | 'state' | 'overdueMs'>[]
  certificates: readonly Ending[]
  /** Epoch milliseconds, as well as it is known. */
  now: number
}

/** Two of its turns late, and more: nothing that waits for a device takes so long. */
const stuckMs = 120_000
/** Of sources that hang; the rest is a number. */
const mostNamed = 5

/**
 * What of the agent does no work that it should, in words. A device that does not answer is none of it:
 * its source notices that, says so by an alarm, and nothing on this box is out of order.
 */
export function agentFaults({ commits, sources, certificates, now }: Working): string[] {
  const faults: string[] = []
  if (commits.overdueMs > silenceMs)
    faults.push(`the outbox has not written for ${seconds(commits.overdueMs)} what it has to`)
  for (const { name, notAfter } of certificates)
    if (notAfter <= now)
      faults.push(`the certificate of the ${name} ended ${new Date(notAfter).toISOString()}`)
  const stuck = sources.filter(
    ({ state, overdueMs = 0 }) => state !== 'dead' && state !== 'connecting' && overdueMs > stuckMs,
  )
  for (const { name, overdueMs = 0 } of stuck.slice(0, mostNamed))
    faults.push(`the data source ${name} should have read ${seconds(overdueMs)} ago, and did not`)
  if (stuck.length > mostNamed) faults.push(`so should ${stuck.length - mostNamed} more data sources`)
  return faults
}

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`
