import { release } from '../core/release.ts'
import type { AgentReport } from '../protocol/agent-report.ts'
import type { Alarm } from './alarms.ts'
import type { FlashStatus } from './flash.ts'
import type { OutboxStatus } from './outbox-view.ts'
import type { SourceStatus } from './sources/index.ts'

export interface Reported {
  time: number
  outbox: OutboxStatus
  flash: FlashStatus
  sources: readonly SourceStatus[]
  alarms: Alarm[]
}

/** What the hub is told of the box. */
export function agentReport({ time, outbox, flash, sources, alarms }: Reported): AgentReport {
  const { readings, bytes, oldestAt, lost } = outbox
  const { deviceBytesPerDay: bytesPerDay, years } = flash
  return {
    time,
    release,
    outbox: { readings, bytes, ...(oldestAt === undefined ? {} : { oldestAt }), lost: { ...lost } },
    ...(bytesPerDay === undefined
      ? {}
      : { flash: { bytesPerDay, ...(years === undefined ? {} : { years }) } }),
    sources: sources.map(({ name, state, reason }) => ({ name, state, ...(reason ? { reason } : {}) })),
    alarms,
  }
}
